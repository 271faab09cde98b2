/** What the compiler makes of `tools` in a program: the published declarations, as a user's project has them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { describeTools, type Tools, tool } from "@capsule-run/sdk/runner";
import * as z from "zod";
import { folder } from "./support/capsule.ts";
import vectors from "./vectors/describe-tools.json" with { type: "json" };

const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** What the compiler says of a project with one file, and files of declarations. */
function compile(source: string, options: object = {}, declarations: Record<string, string> = {}): string {
  const cwd = folder({
    "package.json": '{"type":"module"}',
    "main.ts": source,
    ...declarations,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "nodenext",
        target: "es2023",
        types: [],
        ...options,
      },
      files: ["main.ts", ...Object.keys(declarations)],
    }),
  });
  mkdirSync(join(cwd, "node_modules/@capsule-run"), { recursive: true });
  symlinkSync(
    fileURLToPath(new URL("../packages/sdk", import.meta.url)),
    join(cwd, "node_modules/@capsule-run/sdk"),
  );
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", cwd], { encoding: "utf8" });
  return stdout;
}

test("tools that nobody declared: any name, any arguments, the type that is asked for", () => {
  assert.equal(
    compile(`import { tools, ToolError } from "@capsule-run/sdk";
      const a: string[] = await tools.search("x", 1);
      const b = await tools.search<number>();
      b.toFixed();
      const c: unknown = await tools["other"]({});
      // @ts-expect-error nothing is known of it
      (await tools.search()).length;
      // @ts-expect-error a tool can't be put there
      tools.search = async () => 1;
      try { c; } catch (e) { if (e instanceof ToolError) [e.type.length, e.tool?.length, e.message]; }
      export { a };`),
    "",
  );
});

test("tools that a program declares: these and no others, with their types", () => {
  const declared = `import { tools } from "@capsule-run/sdk";
      declare module "@capsule-run/sdk" {
        interface ProgramTools {
          /** Finds. */
          search(query: string, limit?: number): Promise<string[]>;
          price(input: { item: string }): Promise<{ amount: number }>;
        }
      }
      const found: string[] = await tools.search("x");
      (await tools.price({ item: "x" })).amount.toFixed();
      // @ts-expect-error an argument of another type
      await tools.search(1);
      // @ts-expect-error there is no such tool
      await tools.serch("x");
      export { found };`;
  assert.equal(compile(declared, { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true }), "");
});

test("tools that a file of declarations tells of: made of the tools themselves", () => {
  const tree: z.ZodType<{ name: string; below: unknown[] }> = z.object({
    name: z.string(),
    get below() {
      return z.array(tree);
    },
  });
  const tools: Tools = {
    search: tool({
      description: "Finds.",
      parameters: ["query", "limit"],
      input: z.object({ query: z.string(), limit: z.int().default(5) }),
      output: z.array(z.string()),
      handler: () => [],
    }),
    // What it refers to is called as a type of the SDK's is.
    run: tool({
      output: {
        $ref: "#/$defs/Result",
        $defs: {
          Result: { type: "object", properties: { own: { type: "string" } }, required: ["own"] },
        },
      },
      handler: () => null,
    }),
    "tree-of": tool({ input: tree, output: tree, handler: (given) => given }),
    plain: (a: number, b = 2) => a + b,
  };
  const program = `import { tools, type RunResult } from "@capsule-run/sdk";
      const found: string[] = await tools.search("x");
      await tools.search("x", 3);
      const own: string = (await tools.run()).own;
      const below: string | undefined = (await tools["tree-of"]({ name: "", below: [] })).below[0]?.name;
      const sum: unknown = await tools.plain(1);
      // @ts-expect-error an argument of another type
      await tools.search(1);
      // @ts-expect-error there is no such tool
      await tools.serch("x");
      // @ts-expect-error a field is missing
      await tools["tree-of"]({ name: "" });
      export type { RunResult };
      export { found, own, below, sum };`;
  const options = { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, isolatedModules: true };
  assert.equal(compile(program, options, { "tools.d.ts": describeTools(tools, "d.ts") }), "");
});

test("every description of the vectors compiles", () => {
  // Each as a file of its own, not as globals that all share.
  const files = vectors.map(({ typescript }, i) => [`prompt${i}.d.ts`, `${typescript}export {};\n`]);
  assert.equal(compile("export {};", {}, Object.fromEntries(files)), "");
});

/** What the compiler makes of `tools` in a program: the published declarations, as a user's project has them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { folder } from "./support/capsule.ts";

const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** What the compiler says of a project with one file. */
function compile(source: string, options: object = {}): string {
  const cwd = folder({
    "package.json": '{"type":"module"}',
    "main.ts": source,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "nodenext",
        target: "es2023",
        types: [],
        ...options,
      },
      files: ["main.ts"],
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

/**
 * Builds what the package publishes: `dist/index.js`, which runs on any platform, and loads `dist/runner.js`, for Node, when
 * that is called; `dist/internal.js`; files of what they share; and their types.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** Declarations that make up the public types, and the name each has in `dist`. */
const DECLARATIONS = {
  "sdk/src/index.d.ts": "index.d.ts",
  "sdk/src/types.d.ts": "types.d.ts",
  "sdk/src/program-tools.d.ts": "program-tools.d.ts",
  "sdk/src/runner.d.ts": "runner.d.ts",
  "sdk/src/runner-types.d.ts": "runner-types.d.ts",
  "sdk/src/internal.d.ts": "internal.d.ts",
  "sdk/src/cli-runtime.d.ts": "cli-runtime.d.ts",
  "sdk/src/find-cli.d.ts": "find-cli.d.ts",
  "sdk/src/runner-options.d.ts": "runner-options.d.ts",
  "sdk/src/shared-runtimes.d.ts": "shared-runtimes.d.ts",
  "sdk/src/usage-error.d.ts": "usage-error.d.ts",
  "protocol/src/envelope.d.ts": "envelope.d.ts",
  "protocol/src/errors.d.ts": "errors.d.ts",
  "protocol/src/host-options.d.ts": "host-options.d.ts",
  "protocol/src/run.d.ts": "run.d.ts",
  "protocol/src/tools.d.ts": "tools.d.ts",
  "tools/src/declare/tool-types.d.ts": "tool-types.d.ts",
  "tools/src/declare/tool-error.d.ts": "tool-error.d.ts",
  "tools/src/declare/tool.d.ts": "tool.d.ts",
  "tools/src/describe/index.d.ts": "describe-tools.d.ts",
} as const;

/** What several entries hold is in a file of its own: there is one class of each name, whichever way it is imported. */
const bundle = (): Promise<unknown> =>
  build({
    entryPoints: ["index", "runner", "internal"].map((name) => join(root, `src/${name}.ts`)),
    outdir: dist,
    chunkNames: "shared-[hash]",
    bundle: true,
    splitting: true,
    platform: "neutral",
    external: ["node:*"],
    target: "es2022",
    format: "esm",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
  });

/** Packages that are not published, and the declarations that stand for them. */
const PRIVATE: Readonly<Record<string, string>> = {
  protocol: "protocol",
  "tools/declare": "declare-tools",
  "tools/describe": "describe-tools",
};

/** The compiler's declarations, with the private package's names replaced by files beside them. */
function declare(): void {
  const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const out = mkdtempSync(join(tmpdir(), "capsule-sdk-"));
  try {
    execFileSync(
      process.execPath,
      [join(compiler, "bin/tsc"), "-p", join(root, "tsconfig.build.json"), "--outDir", out],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    for (const [from, to] of Object.entries(DECLARATIONS)) {
      const text = readFileSync(join(out, from), "utf8").replaceAll(
        /"@capsule-run\/([a-z/-]+)"/g,
        (whole, name: string) => (name in PRIVATE ? `"./${PRIVATE[name]}.js"` : whole),
      );
      const beside = text.replaceAll('"../declare/index.ts"', '"./declare-tools.js"');
      writeFileSync(join(dist, to), beside.replaceAll(/(from "\.\/[a-z-]+)\.ts"/g, '$1.js"'));
    }
    writeFileSync(
      join(dist, "protocol.d.ts"),
      `export * from "./envelope.js";
export { type ErrorType, UsageError } from "./errors.js";
export { isObject, type OptionCheck, shown } from "./host-options.js";
export type * from "./run.js";
export type * from "./tools.js";
`,
    );
    writeFileSync(
      join(dist, "declare-tools.d.ts"),
      `export { tool } from "./tool.js";
export { ToolError } from "./tool-error.js";
export type * from "./tool-types.js";
`,
    );
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Builds `dist` anew. */
export async function buildSdk(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  await bundle();
  declare();
}

if (import.meta.main) await buildSdk();

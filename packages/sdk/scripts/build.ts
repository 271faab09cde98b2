/**
 * Builds what the package publishes: `dist/index.js`, one module that imports nothing but `runner.js`, and that when it is
 * called; `dist/runner.js` and `dist/internal.js`, for Node; and their types.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

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
  "sdk/src/usage-error.d.ts": "usage-error.d.ts",
  "protocol/src/envelope.d.ts": "envelope.d.ts",
  "protocol/src/errors.d.ts": "errors.d.ts",
  "protocol/src/tools.d.ts": "tool-host.d.ts",
  "tools/src/declare/tool-types.d.ts": "tool-types.d.ts",
  "tools/src/declare/tool-error.d.ts": "tool-error.d.ts",
  "tools/src/declare/tool.d.ts": "tool.d.ts",
  "tools/src/describe/index.d.ts": "describe-tools.d.ts",
} as const;

const bundle = (names: readonly string[], options: BuildOptions): Promise<unknown> =>
  build({
    entryPoints: names.map((name) => join(root, `src/${name}.ts`)),
    outdir: dist,
    bundle: true,
    format: "esm",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });

/** Packages that are not published, and the declarations that stand for them. */
const PRIVATE: Readonly<Record<string, string>> = {
  protocol: "protocol",
  "tools/declare": "tools",
  "tools/describe": "describe-tools",
};

/** What only host programs need, and load when they do. */
const runnerOutside: Plugin = {
  name: "runner outside",
  setup: (bundler) =>
    bundler.onResolve({ filter: /^\.\/runner\.ts$/ }, () => ({ path: "./runner.js", external: true })),
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
      const beside = text.replaceAll('"../declare/index.ts"', '"./tools.js"');
      writeFileSync(join(dist, to), beside.replaceAll(/(from "\.\/[a-z-]+)\.ts"/g, '$1.js"'));
    }
    writeFileSync(
      join(dist, "protocol.d.ts"),
      `export * from "./envelope.js";
export { type ErrorType, UsageError } from "./errors.js";
export type * from "./tool-host.js";
`,
    );
    writeFileSync(
      join(dist, "tools.d.ts"),
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
  await Promise.all([
    bundle(["index"], { platform: "neutral", target: "es2022", plugins: [runnerOutside] }),
    // What both hold is in a file of its own: there is one class of each name.
    bundle(["runner", "internal"], { platform: "node", target: "node24", splitting: true }),
  ]);
  declare();
}

if (import.meta.main) await buildSdk();

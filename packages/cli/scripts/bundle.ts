import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

const source = (name: string): string => fileURLToPath(new URL(`../src/${name}`, import.meta.url));

/**
 * CommonJS, because Node starts it 5 ms sooner than ES modules. What the source imports dynamically is in the same
 * file and evaluated when it is needed.
 */
const COMMON: BuildOptions = {
  bundle: true,
  metafile: true,
  platform: "node",
  target: "node24",
  format: "cjs",
  minifySyntax: true,
  logLevel: "warning",
  legalComments: "none",
  // `require` instead of `import()`, which would load Node's ES module loader after all.
  supported: { "dynamic-import": false },
  define: { "import.meta.url": "importMetaUrl" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
};

/** A module that stays outside a bundle: which imports mean it, and what they become. */
const outside = (filter: RegExp, path: string): Plugin => ({
  name: `outside ${path}`,
  setup: (bundler) => bundler.onResolve({ filter }, () => ({ path, external: true })),
});

/** Large parts that few runs need, each in a file of its own: by its name there, what imports mean it. */
const APART: Readonly<Record<string, string>> = {
  network: "@capsule-run/host/network",
  acorn: "acorn",
  "json-schema": "@capsule-run/tools/json-schema",
  "bundle-python": "@capsule-run/guest-python/bundle",
};
const apart = Object.entries(APART).map(([name, module]) =>
  outside(new RegExp(`^${RegExp.escape(module)}$`), `./${name}.js`),
);

/**
 * Leaves out what MCP's SDK would check a user's answers to a server's questions with: ajv and what it needs, without
 * their licences. Ours asks none.
 */
const withoutValidator: Plugin = {
  name: "without validator",
  setup(bundler) {
    const namespace = "without-validator";
    bundler.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, ({ path }) => ({
      path,
      namespace,
    }));
    bundler.onLoad({ filter: /.*/, namespace }, () => ({
      contents: `
        export { default as process } from "node:process";
        export class DefaultJsonSchemaValidator {
          getValidator() { throw new Error("there is no validator of JSON Schema"); }
        }`,
    }));
  },
};

/**
 * Bundles the command line into `folder`: `capsule.js`, which starts a cell and is small so that it does it soon;
 * `main.js`, the rest, but for `mcp.js` and `worker.js`, the commands of those names, and what is apart; and `runtime.js`,
 * for programs that run others and for these two commands. The cell that was started early is known to `capsule.js`
 * only, so `main.js` asks it.
 */
export async function bundleCommandLine(folder: string): Promise<readonly Metafile[]> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  const results = await Promise.all([
    build({
      ...COMMON,
      entryPoints: [source("entry.ts")],
      outfile: join(folder, "capsule.js"),
      plugins: [outside(/\/main\.ts$/, "./main.js")],
    }),
    build({
      ...COMMON,
      entryPoints: [source("main.ts")],
      outfile: join(folder, "main.js"),
      external: ["esbuild"],
      plugins: [
        outside(/\/early\.ts$/, "./capsule.js"),
        outside(/\/mcp\/mcp\.ts$/, "./mcp.js"),
        outside(/\/worker\/worker\.ts$/, "./worker.js"),
        ...apart,
      ],
    }),
    build({
      ...COMMON,
      entryPoints: [source("mcp/mcp.ts")],
      outfile: join(folder, "mcp.js"),
      // Code runs by the runtime that programs have, which is loaded with the first piece of it.
      plugins: [outside(/^@capsule-run\/code$/, "./runtime.js"), withoutValidator],
    }),
    build({
      ...COMMON,
      entryPoints: [source("worker/worker.ts")],
      outfile: join(folder, "worker.js"),
      plugins: [outside(/\/runtime\.ts$/, "./runtime.js")],
    }),
    build({
      ...COMMON,
      entryPoints: [source("runtime.ts")],
      outfile: join(folder, "runtime.js"),
      external: ["esbuild"],
      plugins: apart,
    }),
    ...Object.entries(APART).map(([name, module]) =>
      build({
        ...COMMON,
        stdin: { contents: `export * from "${module}";`, resolveDir: folder, loader: "ts" },
        outfile: join(folder, `${name}.js`),
      }),
    ),
  ]);
  return results.map(({ metafile }) => metafile as Metafile);
}

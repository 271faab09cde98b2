/** Builds what the package publishes: a module for each of its entries, for Node, and their types. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const ENTRIES = ["index", "ai-sdk", "openai-agents"];

/** The compiler's declarations, with the extensions that Node's resolution wants. */
function declare(): void {
  const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  execFileSync(process.execPath, [join(compiler, "bin/tsc"), "-p", join(root, "tsconfig.build.json")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  for (const name of readdirSync(dist).filter((file) => file.endsWith(".d.ts"))) {
    const file = join(dist, name);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll(/((?:from|import\() ?"\.\/[a-z-]+)\.ts"/g, '$1.js"'));
  }
}

/** Builds `dist` anew; the SDK is built before. */
export async function buildAdapter(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  await build({
    entryPoints: ENTRIES.map((name) => join(root, `src/${name}.ts`)),
    outdir: dist,
    bundle: true,
    // What several entries hold is in a file of its own: there is one class of each name, one runtime.
    splitting: true,
    packages: "external",
    platform: "node",
    target: "node24",
    format: "esm",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
  });
  declare();
}

if (import.meta.main) await buildAdapter();

/** Builds what the package publishes: `dist/index.js`, `dist/host/index.js`, and their types. In the workspace its source is used. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** The compiler's declarations, with the extensions that Node's resolution wants. */
function declare(): void {
  const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  execFileSync(process.execPath, [join(compiler, "bin/tsc"), "-p", join(root, "tsconfig.build.json")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(dist, name);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll(/((?:from|import\() ?"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
  }
}

/** Builds `dist` anew. */
export async function buildWasm(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  await build({
    entryPoints: [join(root, "src/index.ts"), join(root, "src/host/index.ts")],
    outbase: join(root, "src"),
    outdir: dist,
    bundle: true,
    // What both hold is in a file of its own: there is one class of each name.
    splitting: true,
    platform: "neutral",
    target: "es2024",
    format: "esm",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
  });
  declare();
}

if (import.meta.main) await buildWasm();

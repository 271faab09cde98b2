import { copyFileSync, cpSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { buildAdapter } from "../packages/adapter/scripts/build.ts";
import { bundleCommandLine } from "../packages/cli/scripts/bundle.ts";
import { buildSdk } from "../packages/sdk/scripts/build.ts";
import { buildEngine } from "./build/engine.ts";
import { writeLicences } from "./build/licences.ts";
import { buildPreparation } from "./build/preparation.ts";

/** Builds what the packages ship: the command line with its cell and engine, the SDK, and the adapter. */

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
/** Built aside and put in place whole, so that a build that fails leaves the last one. */
const fresh = join(packages, `cli/dist.${process.pid}`);

async function bundle(options: BuildOptions): Promise<Metafile> {
  const common = { bundle: true, minifySyntax: true, logLevel: "warning", legalComments: "none" } as const;
  return (await build({ ...common, ...options, metafile: true })).metafile as Metafile;
}

const bundleCell = (language: string): Promise<Metafile> =>
  bundle({
    entryPoints: [join(packages, `cell/src/${language}.ts`)],
    outfile: join(fresh, `cell-${language}.cjs`),
    platform: "node",
    target: "node24",
    format: "cjs",
  });

/** The thread that records runs. */
const bundleRecord = (): Promise<Metafile> =>
  bundle({
    entryPoints: [join(packages, "lifecycle/src/writer.ts")],
    outfile: join(fresh, "record-runs.cjs"),
    platform: "node",
    target: "node24",
    format: "cjs",
  });

/** The programs that run code of others: Python's as they are, JavaScript's in one file with its parser. */
async function buildCodePrograms(): Promise<Metafile> {
  const source = join(packages, "code/src/guest");
  const folder = join(fresh, "code");
  cpSync(join(source, "python"), folder, {
    recursive: true,
    filter: (path) => !path.includes("__pycache__"),
  });
  return bundle({
    entryPoints: [join(source, "javascript/main.ts")],
    outfile: join(folder, "javascript.js"),
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*", "@capsule-run/sdk"],
    target: "es2024",
    format: "esm",
    minifyWhitespace: true,
  });
}

async function buildCommandLine(): Promise<void> {
  rmSync(fresh, { recursive: true, force: true });
  const [, commandLine, cell, pythonCell, record, preparation, code] = await Promise.all([
    buildEngine(join(fresh, "engine-javascript")),
    bundleCommandLine(fresh),
    bundleCell("javascript"),
    bundleCell("python"),
    bundleRecord(),
    buildPreparation(fresh),
    buildCodePrograms(),
    bundle({
      entryPoints: [join(packages, "guest-javascript/src/guest/sdk.ts")],
      outfile: join(fresh, "guest-sdk.js"),
      platform: "neutral",
      target: "es2022",
      format: "esm",
    }),
  ]);
  await writeLicences(fresh, [...commandLine, cell, pythonCell, record, preparation, code]);
}

function putInPlace(): void {
  const place = join(packages, "cli/dist");
  const old = join(packages, `cli/dist.${process.pid}.old`);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(place)) renameSync(place, old);
  renameSync(fresh, place);
  rmSync(old, { recursive: true, force: true });
}

/** npm packs a licence only from a package's own folder. */
function copyLicences(): void {
  for (const name of ["LICENSE", "NOTICE"])
    for (const folder of ["cli", "sdk", "wasm", "adapter", "mcp-server"])
      copyFileSync(join(packages, "..", name), join(packages, folder, name));
}

await Promise.all([buildCommandLine(), buildSdk().then(buildAdapter)]);
putInPlace();
copyLicences();

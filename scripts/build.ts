import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
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

async function buildCommandLine(): Promise<void> {
  rmSync(fresh, { recursive: true, force: true });
  const [, commandLine, cell, pythonCell, record, preparation] = await Promise.all([
    buildEngine(join(fresh, "engine-javascript")),
    bundleCommandLine(fresh),
    bundleCell("javascript"),
    bundleCell("python"),
    bundleRecord(),
    buildPreparation(fresh),
    bundle({
      entryPoints: [join(packages, "guest-javascript/src/guest/sdk.ts")],
      outfile: join(fresh, "guest-sdk.js"),
      platform: "neutral",
      target: "es2022",
      format: "esm",
    }),
  ]);
  await writeLicences(fresh, [...commandLine, cell, pythonCell, record, preparation]);
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
    for (const folder of ["cli", "sdk", "wasm", "adapter"])
      copyFileSync(join(packages, "..", name), join(packages, folder, name));
}

await Promise.all([buildCommandLine(), buildSdk().then(buildAdapter)]);
putInPlace();
copyLicences();

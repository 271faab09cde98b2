import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bootScript } from "@capsule-run/guest-python/guest";
import { build, type Metafile, type Plugin } from "esbuild";

const entry = fileURLToPath(new URL("../../packages/runtime/src/prepare-python.ts", import.meta.url));

/** The prelude as it is now: a built package has no sources to read it from. */
const prelude: Plugin = {
  name: "prelude",
  setup(bundler) {
    bundler.onResolve({ filter: /^@capsule-run\/guest-python\/guest$/ }, ({ path }) => ({
      path,
      namespace: "prelude",
    }));
    bundler.onLoad({ filter: /.*/, namespace: "prelude" }, () => ({
      contents: `export const bootScript = () => ${JSON.stringify(bootScript())};`,
    }));
  },
};

/**
 * Bundles what makes the Python engine ready, `prepare-python.cjs`: rewriter, profile, host and prelude. All that decides
 * an engine's bytes is in it, so its hash is the engine's name, `python.key`.
 */
export async function buildPreparation(folder: string): Promise<Metafile> {
  const outfile = join(folder, "prepare-python.cjs");
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    metafile: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    minifySyntax: true,
    logLevel: "warning",
    legalComments: "none",
    plugins: [prelude],
  });
  const key = createHash("sha256").update(readFileSync(outfile)).digest("hex").slice(0, 16);
  writeFileSync(join(folder, "python.key"), `python-${key}\n`);
  return metafile;
}

import { existsSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildEngine } from "./build/engine.ts";

/** Builds what the command line needs beside its source: the engine, the cell, the bundle, the guest's SDK. */
const at = (path: string): string => fileURLToPath(new URL(`../packages/${path}`, import.meta.url));
// Built aside and put in place whole, so that a build that fails leaves the last one.
const dist = at("cli/dist.new");

rmSync(dist, { recursive: true, force: true });
const common = {
  bundle: true,
  platform: "node",
  target: "node24",
  logLevel: "warning",
  legalComments: "none",
} as const;
await Promise.all([
  buildEngine(`${dist}/engine-javascript`),
  build({
    ...common,
    entryPoints: { capsule: at("cli/src/entry.ts") },
    outdir: dist,
    format: "esm",
    splitting: true,
    minifySyntax: true,
    external: ["esbuild"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  }),
  build({
    ...common,
    entryPoints: [at("cell/src/main.ts")],
    outfile: `${dist}/cell.cjs`,
    format: "cjs",
    minifySyntax: true,
  }),
  build({
    ...common,
    entryPoints: [at("guest-javascript/src/guest/sdk.ts")],
    outfile: `${dist}/guest-sdk.js`,
    format: "esm",
    platform: "neutral",
  }),
]);

const place = at("cli/dist");
const old = at("cli/dist.old");
rmSync(old, { recursive: true, force: true });
if (existsSync(place)) renameSync(place, old);
renameSync(dist, place);
rmSync(old, { recursive: true, force: true });

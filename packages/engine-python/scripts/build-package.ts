/**
 * Writes the npm package `@capsule-run/engine-python` into a new folder, ready to publish:
 * `node packages/engine-python/scripts/build-package.ts OUT`, after `npm run build`. The engine is made if it is not in the
 * user's cache.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Artifacts, foundArtifacts } from "../src/find.ts";
import { makePython } from "../src/make.ts";
import { PIN } from "../src/pin.ts";
import { enginesIn, userCacheFolder } from "../src/places.ts";
import { VARIANTS } from "../src/record.ts";
import { writePackage } from "./package.ts";

const inDist = (name: string): string => fileURLToPath(new URL(`../../cli/dist/${name}`, import.meta.url));

const { version } = JSON.parse(readFileSync(new URL("../../cli/package.json", import.meta.url), "utf8")) as {
  version: string;
};

async function main(out: string): Promise<void> {
  const key = readFileSync(inDist("python.key"), "utf8").trim();
  const cache = userCacheFolder();
  const onWarning = (message: string): void => console.error(`warning: ${message}`);
  const { env } = process;
  let shown = "";
  const onProgress = ({ text }: { readonly text: string }): void => {
    if (text !== shown) console.error(text);
    shown = text;
  };
  let engine = "";
  for (const variant of VARIANTS) {
    const options = { version, script: inDist("prepare-python.cjs"), env, onProgress, onWarning };
    engine = (await makePython({ key, cache, from: [] }, variant, options)).folder;
  }
  const found = foundArtifacts(enginesIn(dirname(dirname(engine))), { pin: PIN, env, onWarning });
  const artifacts = (await found.next()).value as Artifacts | undefined;
  if (!artifacts) throw new Error("what the engine was made from is gone");
  const record = writePackage(resolve(out), { engine, artifacts: artifacts.folder });
  for (const [name, { size }] of Object.entries(record.files)) console.log(`${name} ${size}`);
}

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: build-package.ts OUT");
  process.exitCode = 2;
} else await main(out);

/**
 * Builds the Python wheels from what `npm run build` made: `node scripts/build-wheels.ts [FOLDER]`. They are pure, for
 * every platform; without FOLDER they are written to `python/dist`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildWheel, type Wheel } from "./build/wheel.ts";
import { wheelJavaScript, wheelLicences } from "./build/wheel-javascript.ts";

const python = fileURLToPath(new URL("../python/", import.meta.url));

/** The adapter is Python alone; its licences are Capsule's own. */
const own = () => wheelLicences().filter(({ name }) => name === "LICENSE" || name === "NOTICE");

/** All wheels, in the order of their dependence. */
export function buildWheels(): readonly Wheel[] {
  return [
    buildWheel(join(python, "capsule-run"), wheelJavaScript(), wheelLicences()),
    buildWheel(join(python, "capsule-run-adapter"), [], own()),
  ];
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(python, "dist"));
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of buildWheels()) {
    writeFileSync(join(folder, name), bytes);
    process.stdout.write(`${join(folder, name)}\n`);
  }
}

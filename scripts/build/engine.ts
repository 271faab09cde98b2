import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineVersions, rewriteEngine } from "@capsule-run/engine-javascript";
import { bootEngine, type EngineInfo, engineHash, KEPT_EXPORTS } from "@capsule-run/guest-javascript/drive";
import { buildGuest } from "@capsule-run/guest-javascript/guest";

/** What a sandbox needs beyond the engine's image to run anything at all. */
const ROOM_BYTES = 512 * 1024;

/** Makes an engine folder: `engine.wasm`, `image.bin`, `library/*.js`, `engine.json`. The same input gives the same bytes. */
export async function buildEngine(folder: string): Promise<EngineInfo> {
  const { prelude, libraries } = await buildGuest();
  const booted = bootEngine(rewriteEngine(KEPT_EXPORTS, { data: true }).wasm, prelude);
  const { wasm } = rewriteEngine(KEPT_EXPORTS, { data: false });
  const info: EngineInfo = {
    format: 1,
    language: "javascript",
    hash: engineHash(wasm, booted.memory, libraries),
    versions: engineVersions(),
    globals: booted.globals,
    handles: booted.handles,
    floor: booted.memory.length + ROOM_BYTES,
  };
  mkdirSync(join(folder, "library"), { recursive: true });
  writeFileSync(join(folder, "engine.wasm"), wasm);
  writeFileSync(join(folder, "image.bin"), booted.memory);
  for (const [name, source] of Object.entries(libraries))
    writeFileSync(join(folder, "library", `${name}.js`), source);
  writeFileSync(join(folder, "engine.json"), `${JSON.stringify(info, null, 2)}\n`);
  return info;
}

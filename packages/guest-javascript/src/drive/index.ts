export { type Booted, bootEngine } from "./boot.ts";
export { type EngineInfo, engineHash, openEngine, readEngineInfo } from "./engine.ts";
export { KEPT_EXPORTS } from "./exports.ts";

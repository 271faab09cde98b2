export { type Booted, bootEngine } from "./boot.ts";
export { type EngineInfo, openEngine, readEngineInfo } from "./engine.ts";
export { KEPT_EXPORTS } from "./exports.ts";

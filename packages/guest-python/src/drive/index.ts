export { type Booted, type BootRequest, bootPython } from "./boot.ts";
export { type EngineInfo, openEngine, openLibrary } from "./engine.ts";

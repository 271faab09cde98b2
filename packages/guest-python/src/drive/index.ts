export { type Booted, type BootRequest, bootPython } from "./boot.ts";
export { type EngineInfo, openEngine, openZip, readEngineInfo } from "./engine.ts";

export type { ExportedManifest } from "./manifest.ts";
export { type ExportedFile, readExported } from "./read.ts";
export { differenceTo, wholeMemory } from "./snapshot.ts";
export { isHot, type Stamp, sameStamp, stampAt } from "./stamp.ts";
export { type Exported, writeExported } from "./write.ts";

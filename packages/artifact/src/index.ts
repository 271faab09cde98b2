export { type ArtifactCache, type Entry, openCache, type Written } from "./cache.ts";
export type { Artifact, StoredArtifact } from "./format.ts";
export { type Input, observe } from "./inputs.ts";
export { keepsBundle } from "./keeps.ts";
export { artifactKey, type KeyParts } from "./key.ts";

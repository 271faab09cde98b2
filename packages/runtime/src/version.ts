import manifest from "../package.json" with { type: "json" };

/** Capsule's version, which artifacts depend on; the bundler puts the number in. */
export const VERSION: string = manifest.version;

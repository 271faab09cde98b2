import manifest from "../package.json" with { type: "json" };

/** The version of this command line; the bundler puts the number in. */
export const VERSION: string = manifest.version;

/** What Capsule itself reads and keeps in a project's folder. Sandboxes see none of it: see `KEPT_NAMES`. */

/** `Capsule.toml` is read too. */
export const CONFIG_FILE = "capsule.toml";

/** Hold variables. A later one wins over an earlier one. */
export const ENVIRONMENT_FILES = [".env", ".env.local", ".env.development", ".env.production"] as const;

/** The folder of the cache and of the record. */
export const CAPSULE_FOLDER = ".capsule";

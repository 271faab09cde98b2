/**
 * Names that sandboxes neither see nor make, in whatever folder: what Capsule itself reads of a project. A program that could
 * write them would raise its own ceiling or run as another one the next time, and `.env` files hold the values of secrets.
 */
export const KEPT_NAMES: readonly string[] = [
  ...[".capsule", "capsule.toml"],
  ...[".env", ".env.local", ".env.development", ".env.production"],
];

const kept = new Set(KEPT_NAMES);

/** Whatever the case: some disks make no difference. */
export const isKept = (name: string): boolean => kept.has(name.toLowerCase());

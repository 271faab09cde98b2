/** The name under which code reaches what imports modules; it is no property that is listed. */
export const IMPORT = "__capsule_import__";

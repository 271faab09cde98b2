import { fileURLToPath } from "node:url";

/** Where tools are installed that only fuzzing needs, and modules kept that failed. */
export const CACHE: string = fileURLToPath(
  new URL("../../../../node_modules/.cache/capsule-fuzz", import.meta.url),
);

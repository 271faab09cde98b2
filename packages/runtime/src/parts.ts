import { fileURLToPath } from "node:url";
import type { CellParts } from "@capsule-run/cell";

/** The folder that the build fills: beside this file when it is bundled itself, else the command line's. */
const dist = new URL(import.meta.url.endsWith("/src/parts.ts") ? "../../cli/dist/" : "./", import.meta.url);

const inDist = (name: string): string => fileURLToPath(new URL(name, dist));

/** What a cell is started from. */
export const cellParts = (): CellParts => ({
  script: inDist("cell.cjs"),
  engine: inDist("engine-javascript"),
});

/** What `@capsule-run/sdk` means inside a sandbox. */
export const guestSdk = (): string => inDist("guest-sdk.js");

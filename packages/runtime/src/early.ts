import type { ChildProcess } from "node:child_process";
import { startCell } from "@capsule-run/cell";
import { cellParts } from "./parts.ts";

let early: ChildProcess | null = null;

/**
 * Starts a cell before the runtime is loaded, so that both get ready at once. The first runtime takes it. Needs no
 * other module of ours: keep it so.
 */
export function startEarly(): void {
  early = startCell(cellParts());
  // Whoever takes it sees that it could not be started; until then nobody listens.
  early.on("error", () => {});
}

/** The cell that was started early, once. */
export function takeEarly(): ChildProcess | null {
  const cell = early;
  early = null;
  return cell;
}

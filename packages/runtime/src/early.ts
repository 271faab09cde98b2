import type { ChildProcess } from "node:child_process";
import { startCell } from "@capsule-run/cell";
import type { Language } from "@capsule-run/protocol";
import type { Variant } from "./engines.ts";
import { cellScript, javascriptEngine } from "./parts.ts";

/** A cell that was started before anybody knew for what. */
export interface EarlyCell {
  readonly cell: ChildProcess;
  readonly language: Language;
  readonly variant: Variant;
}

let early: EarlyCell | null = null;

/**
 * Starts a cell for the program `file` before the runtime is loaded, so that both get ready at once. The first runtime
 * takes it. Needs no other module of ours but the engines' finder: keep it so.
 */
export function startEarly(file: string | undefined): void {
  if (file?.endsWith(".py")) return;
  const script = cellScript("javascript");
  const cell = startCell({ script, engine: javascriptEngine(), variant: "full" });
  // Whoever takes it sees that it could not be started; until then nobody listens.
  cell.on("error", () => {});
  early = { cell, language: "javascript", variant: "full" };
}

/** The cell that was started early, once. */
export function takeEarly(): EarlyCell | null {
  const taken = early;
  early = null;
  return taken;
}

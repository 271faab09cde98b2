import type { ChildProcess } from "node:child_process";
import { startCell } from "@capsule-run/cell";
import type { Language, Variant } from "@capsule-run/protocol";
import { cellScript, javascriptEngine } from "./parts.ts";
import { findPython } from "./python.ts";

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
  early = file?.endsWith(".py") ? startPython() : start("javascript", javascriptEngine(), "full");
}

/** Most programs need no more than the small variant; if that is not ready yet, there is no hurry. */
function startPython(): EarlyCell | null {
  const engine = findPython("core");
  return engine && start("python", engine.folder, "core");
}

function start(language: Language, engine: string, variant: Variant): EarlyCell {
  const cell = startCell({ script: cellScript(language), engine, variant });
  // Whoever takes it sees that it could not be started; until then nobody listens.
  cell.on("error", () => {});
  return { cell, language, variant };
}

/** The cell that was started early, once. */
export function takeEarly(): EarlyCell | null {
  const taken = early;
  early = null;
  return taken;
}

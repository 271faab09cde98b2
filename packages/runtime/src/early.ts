import type { ChildProcess } from "node:child_process";
import { peekEngine } from "@capsule-run/artifact/peek";
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
 * takes it. Needs no other modules of ours but those that find engines: keep it so.
 */
export function startEarly(file: string | undefined): void {
  const exported = file?.endsWith(".wasm") ? peekEngine(file) : null;
  const isPython = exported ? exported.language === "python" : file?.endsWith(".py");
  // Most sources need no more than the small variant.
  const variant = exported?.variant === "full" ? "full" : "core";
  early = isPython ? startPython(variant) : start("javascript", javascriptEngine(), "full");
}

/** If the engine is not ready yet, there is no hurry. */
function startPython(variant: Variant): EarlyCell | null {
  const engine = findPython(variant);
  return engine && start("python", engine.folder, variant);
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

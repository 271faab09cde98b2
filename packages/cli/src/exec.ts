import { UsageError } from "@capsule-run/protocol";
import type { Context } from "./context.ts";
import { findArtifact } from "./program.ts";
import { type Command, runProgram } from "./run.ts";

/** `capsule exec`. */
export async function exec(command: Command, context: Context): Promise<number> {
  if (command.file === null)
    throw new UsageError("arguments", '"capsule exec" needs an artifact: capsule exec FILE.wasm');
  return runProgram(findArtifact(command.file, context.cwd), command, context);
}

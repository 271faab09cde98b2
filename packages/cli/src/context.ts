import type { Runtime, RuntimeOptions } from "@capsule-run/runtime";
import type { Paint } from "./colour.ts";
import type { Interruption } from "./interrupt.ts";
import type { Output } from "./output.ts";

/** What the commands need of the rest of Capsule, loaded when it is called. */
export interface Services {
  createRuntime(options: RuntimeOptions): Promise<Runtime>;
  /** The absolute path of the program that `capsule.toml` at or above a folder names; null without one. */
  findEntrypoint(folder: string): Promise<string | null>;
}

/** Where a command runs. */
export interface Context {
  readonly cwd: string;
  readonly output: Output;
  readonly paint: Paint;
  readonly interruption: Interruption;
  readonly services: Services;
}

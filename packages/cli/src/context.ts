import type { Runtime, RuntimeOptions } from "@capsule-run/runtime";
import type { InstalledEngine, PrepareOptions } from "@capsule-run/runtime/inventory";
import type { ProjectRecord } from "@capsule-run/runtime/records";
import type { Paint } from "./colour.ts";
import type { Interruption } from "./interrupt.ts";
import type { Output } from "./output.ts";

/** What engines there are. */
export interface Inventory {
  listEngines(options: { verify: boolean }): Promise<readonly InstalledEngine[]>;
  /** @throws UsageError if one can't be had */
  prepareEngines(options: PrepareOptions): Promise<void>;
}

/** What the commands need of the rest of Capsule, loaded when it is called. */
export interface Services {
  createRuntime(options: RuntimeOptions): Promise<Runtime>;
  /** The absolute path of the program that `capsule.toml` at or above a folder names; null without one. */
  findEntrypoint(folder: string): Promise<string | null>;
  inventory(): Promise<Inventory>;
  /**
   * The record of runs of the project that a folder belongs to.
   * @throws UsageError if it can't be read
   */
  openRecord(folder: string): Promise<ProjectRecord>;
}

/** Where a command runs. */
export interface Context {
  readonly cwd: string;
  readonly output: Output;
  readonly paint: Paint;
  readonly interruption: Interruption;
  readonly services: Services;
}

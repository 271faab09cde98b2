import type { DeclaredPolicy } from "./policy.ts";

/** What the loaded program says of one of its tasks. */
export interface TaskManifest {
  readonly name: string;
  /** What it asks for. What it gets is also up to the project and the operator. */
  readonly policy: DeclaredPolicy;
  /** Calls of an async task give a promise; calls of a sync one block the calling sandbox. */
  readonly async: boolean;
  /** The parameters as the program names them; null where the language can't tell. */
  readonly parameters: Parameters | null;
}

/** What a function takes by position: names in order, how many of them it needs, and whether it takes any number more. */
export interface Parameters {
  readonly names: readonly string[];
  readonly required: number;
  readonly rest: boolean;
}

/**
 * When an artifact's snapshot was taken. `after`: the program is loaded in it. `before`: its top-level code
 * asked for something that differs between attempts, so each attempt loads it again.
 */
export type SnapshotPoint = "after" | "before";

export type Language = "javascript" | "python";

/** `core` may lack code that programs rarely need; `full` has all there is. An engine with one variant is `full`. */
export type Variant = "core" | "full";

/** What a program became when it was loaded. */
export interface ProgramManifest {
  readonly language: Language;
  /** The variant of the engine it was loaded on. */
  readonly variant: Variant;
  /** Why that has to be the full one, in words for `--verbose`; empty where it need not be, or there is no other. */
  readonly needs: readonly string[];
  /** The task a run begins with. */
  readonly entry: string;
  /** Content hash of the engine its snapshot belongs to. */
  readonly engine: string;
  /** Content hash of bundle, source map, engine and Capsule's version: the artifact's name in the cache. */
  readonly source: string;
  readonly snapshot: SnapshotPoint;
  /** What made it `before`, in words for `--verbose`. */
  readonly reasons: readonly string[];
  readonly tasks: readonly TaskManifest[];
  /** Empty for `before`: there each attempt prints it itself. */
  readonly output: readonly LoadOutput[];
}

/** What the top-level code printed while it was loaded; printed again at the start of each run. */
export interface LoadOutput {
  readonly stream: 1 | 2;
  readonly text: string;
}

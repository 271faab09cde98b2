import type { EffectMode, EffectName } from "./effects.ts";
import type { ErrorType } from "./errors.ts";
import type { LoadOutput, SnapshotPoint } from "./manifest.ts";
import type { GuestMount, SandboxLimits } from "./messages.ts";
import type { ErrorReport } from "./report.ts";

/**
 * What a language is to a cell. A cell knows no language: it makes instances of an opened engine and drives each by
 * turns. Methods that enter the guest suspend when a slice of fuel is used up (`GuestHost.pause`) and resolve when the
 * guest is idle or at its end. At most one entry is in flight per instance.
 */
export interface GuestEngine<Prepared = unknown> {
  /** Content hash of everything an image of this engine is made of. */
  readonly hash: string;
  /** Unused instances that a cell keeps, for what their memory is worth. */
  readonly kept: number;
  create(host: GuestHost): GuestInstance<Prepared>;
  /** Makes of an artifact what `reset` needs; what that is, is the engine's own business. */
  prepare(artifact: ArtifactParts): Prepared;
}

/** What an artifact is made of. */
export interface ArtifactParts extends Image {
  readonly snapshot: SnapshotPoint;
  /** The bundled program; empty where the image holds all of it. */
  readonly bundle: Uint8Array;
}

/** A loaded program: its page difference to the engine's image, and its globals. */
export interface Image {
  readonly globals: readonly number[];
  readonly pages: Uint8Array;
}

/** What an instance may ask of its cell. Nothing here throws. */
export interface GuestHost {
  /** A slice is used up, or memory has grown beyond what was granted. Resolves true to go on, false to end the guest for good. */
  pause(): Promise<boolean>;
  /** A task call: gives its id, counted from 1. */
  call(mode: "sync" | "async", task: string, args: Uint8Array): number;
  /** The envelope of the sync call `id`, as JSON, or the answer to the effect `id`, and when it came (ms since 1970); null ends the guest. */
  wait(id: number): Promise<{ readonly envelope: Uint8Array; readonly now: number } | null>;
  /**
   * Suspends a turn as if it were over: until the time `wake` (ms since 1970, null: none) or, unless `deaf`, until one of
   * the `pending` async calls is complete. What a deaf guest misses comes as turns afterwards. Null ends the guest.
   */
  rest(wake: number | null, pending: number, deaf: boolean): Promise<GuestEvent | null>;
  /** Asks for a file or an HTTP exchange: gives its id, counted with the calls. Its answer comes as a call's envelope does. */
  effect(mode: EffectMode, name: EffectName, request: Uint8Array): number;
  /** Gives up the async call `id`: the task is cancelled, and its completion need not be heard. */
  revoke(id: number): void;
  output(stream: 1 | 2, text: Uint8Array): void;
  /** `length` bytes of the attempt's own random stream. */
  random(length: number): Uint8Array;
}

/** What came for a guest that rests. */
export type GuestEvent =
  | { readonly type: "complete"; readonly call: number; readonly envelope: Uint8Array; readonly now: number }
  | { readonly type: "wake"; readonly now: number };

/** Where a turn left the guest. After anything but `idle` the instance can only be reset. */
export type TurnEnd =
  /** `wake`: ms since 1970, null if no timer is set. */
  | { readonly state: "idle"; readonly wake: number | null; readonly pending: number }
  | { readonly state: "result"; readonly json: Uint8Array }
  /** An exception of the guest's. */
  | { readonly state: "raised"; readonly error: ErrorType; readonly report: ErrorReport }
  /** Anything else that failed, in our words. */
  | { readonly state: "failed"; readonly error: ErrorType; readonly message: string }
  /** The guest got to code that this variant of the engine was made without; `code` names it. */
  | { readonly state: "lacking"; readonly code: string }
  /** `pause` or `wait` said so. */
  | { readonly state: "stopped" };

/** Where the project root is in a sandbox. */
export const GUEST_ROOT = "/app";

/** What an attempt sees beside its arguments. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly GuestMount[];
}

/** An attempt that sees nothing beside its arguments. */
export const NO_SURROUNDINGS: Surroundings = { environment: {}, mounts: [] };

/** What loading a program gave. */
export interface Loaded {
  /** A list of `LoadedTask`, as JSON: the guest's words. */
  readonly tasks: string;
  /** The task a run begins with. */
  readonly entry: string;
  /** What the user should know of how it was chosen; empty: nothing. */
  readonly notice: string;
  readonly snapshot: SnapshotPoint;
  readonly reasons: readonly string[];
  readonly output: readonly LoadOutput[];
  readonly image: Image;
}

export interface GuestInstance<Prepared = unknown> {
  /** Makes it a program's fresh sandbox (null: the bare engine's), whatever ran before. */
  reset(program: Prepared | null, limits: SandboxLimits, now: number): void;
  /**
   * Loads a program and takes its snapshot. It has no capabilities: files and hosts are refused, and `variables` of the
   * environment have a value that is not the real one. To ask for any makes the snapshot `before`. Time that its top-level code waits for
   * passes at once.
   */
  load(bundle: Uint8Array, variables?: readonly string[]): Promise<Loaded | TurnEnd>;
  /** Starts the task, after loading the program where the snapshot does not hold it. */
  start(task: string, args: Uint8Array, surroundings?: Surroundings): Promise<TurnEnd>;
  /**
   * Starts another task in what `save` or `restore` left, with limits of its own: memory, open files and timers are those
   * that the last task left, and what that waited for is given up. What was never loaded to the end is loaded anew.
   */
  again(task: string, args: Uint8Array, limits: SandboxLimits, now: number): Promise<TurnEnd>;
  /** What its task did stands: what it closed is closed for good. Before `save`, as long as its host is there. */
  keep(): void;
  /**
   * Takes an image of it, for `restore`. Only for one whose task has ended by itself, and with nothing else in between.
   * @throws RangeError if there is no memory for it: the image before is good no more
   */
  save(): void;
  /**
   * Makes it what it was when it was saved last, whatever ran since.
   * @throws RangeError if it can't be
   */
  restore(): void;
  /**
   * Makes it what another one was when that was saved last, which is not used any more.
   * @throws RangeError if it can't be
   */
  adopt(other: this): void;
  /** Bytes of the image that `save` would take now; those of the memory it makes. */
  readonly imageBytes: number;
  readonly savedMemory: number;
  complete(call: number, envelope: Uint8Array, now: number): Promise<TurnEnd>;
  wake(now: number): Promise<TurnEnd>;
  /** Bytes of memory that are really there: all it grew to since it was made. */
  readonly memory: number;
  /** When the guest has grown to more than `bytes`, it pauses before it can use that. A new one never does. */
  grant(bytes: number): void;
  /** Whether resetting it is cheaper than making another. */
  readonly reusable: boolean;
  readonly fuelUsed: number;
  /** Peak bytes of memory since `reset`. */
  readonly ramUsed: number;
}

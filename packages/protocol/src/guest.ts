import type { ErrorType } from "./errors.ts";
import type { LoadOutput, SnapshotPoint } from "./manifest.ts";
import type { SandboxLimits } from "./messages.ts";
import type { ErrorReport } from "./report.ts";

/**
 * What a language is to a cell. A cell knows no language: it makes instances of an opened engine and drives each by
 * turns. Methods that enter the guest suspend when a slice of fuel is used up (`GuestHost.pause`) and resolve when the
 * guest is idle or at its end. At most one entry is in flight per instance.
 */
export interface GuestEngine {
  /** Content hash of everything an image of this engine is made of. */
  readonly hash: string;
  create(host: GuestHost): GuestInstance;
  /** Prepares an artifact for `reset`: the engine's image with the program's page difference applied. */
  prepare(image: Image): PreparedImage;
}

/** Memory as it is copied into an instance, and the module's mutable globals. */
export interface PreparedImage {
  readonly memory: Uint8Array;
  readonly globals: readonly number[];
}

/** A loaded program: its page difference to the engine's image, and its globals. */
export interface Image {
  readonly globals: readonly number[];
  readonly pages: Uint8Array;
}

/** What an instance may ask of its cell. Nothing here throws. */
export interface GuestHost {
  /** A slice is used up. Resolves true to go on, false to end the guest for good. */
  pause(): Promise<boolean>;
  /** A task call: gives its id. */
  call(mode: "sync" | "async", task: string, args: Uint8Array): number;
  /** The envelope of the sync call `id`, as JSON, and when it came (ms since 1970); null ends the guest. */
  wait(id: number): Promise<{ readonly envelope: Uint8Array; readonly now: number } | null>;
  output(stream: 1 | 2, text: Uint8Array): void;
  /** `length` bytes of the attempt's own random stream. */
  random(length: number): Uint8Array;
}

/** Where a turn left the guest. After anything but `idle` the instance can only be reset. */
export type TurnEnd =
  /** `wake`: ms since 1970, null if no timer is set. */
  | { readonly state: "idle"; readonly wake: number | null; readonly pending: number }
  | { readonly state: "result"; readonly json: Uint8Array }
  /** An exception of the guest's. */
  | { readonly state: "raised"; readonly error: ErrorType; readonly report: ErrorReport }
  /** Anything else that failed, in our words. */
  | { readonly state: "failed"; readonly error: ErrorType; readonly message: string }
  /** `pause` or `wait` said so. */
  | { readonly state: "stopped" };

/** What loading a program gave. */
export interface Loaded {
  /** A list of `LoadedTask`, as JSON: the guest's words. */
  readonly tasks: string;
  readonly snapshot: SnapshotPoint;
  readonly reasons: readonly string[];
  readonly output: readonly LoadOutput[];
  readonly image: Image;
}

export interface GuestInstance {
  /** Sets memory and globals to an image (null: the engine's own), whatever ran before. */
  reset(image: PreparedImage | null, limits: SandboxLimits, now: number): void;
  /** Loads a program and takes its snapshot. Time that its top-level code waits for passes at once. */
  load(source: Uint8Array): Promise<Loaded | TurnEnd>;
  /** Starts the task; `source` is the program where the snapshot does not hold it. */
  start(task: string, args: Uint8Array, source: Uint8Array | null): Promise<TurnEnd>;
  complete(call: number, envelope: Uint8Array, now: number): Promise<TurnEnd>;
  wake(now: number): Promise<TurnEnd>;
  /** Whether resetting it is cheaper than making another. */
  readonly reusable: boolean;
  readonly fuelUsed: number;
  /** Peak bytes of memory since `reset`. */
  readonly ramUsed: number;
}

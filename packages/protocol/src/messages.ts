import type { EffectMode, EffectName } from "./effects.ts";
import type { ErrorType } from "./errors.ts";
import type { Parameters, SnapshotPoint } from "./manifest.ts";
import type { DeclaredPolicy } from "./policy.ts";

/**
 * What crosses between the host and a cell. `sandbox` is chosen by the host and unique in a cell's life; `body` is
 * the frame's binary part. A cell obeys the host; the host trusts nothing a cell says: see `checkFromCell`.
 */
export type ToCell =
  /**
   * Gives the cell an artifact; `open` names it by hash. Body: `pages` bytes of page difference to the engine's image,
   * then the bundle.
   */
  | {
      readonly type: "artifact";
      readonly hash: string;
      readonly globals: readonly number[];
      readonly pages: number;
      readonly snapshot: SnapshotPoint;
      readonly body: Uint8Array;
    }
  | { readonly type: "forget"; readonly hash: string }
  /** Loads a program and answers `loaded`. Body: the bundle. */
  | {
      readonly type: "load";
      readonly sandbox: number;
      readonly limits: SandboxLimits;
      /** Names of environment variables that have a value and are mentioned by the program: a list, as JSON. */
      readonly variables: string;
      readonly body: Uint8Array;
    }
  /**
   * Starts an attempt. With a `session` the instance stays when it has ended, and the next attempt of that session goes on
   * in it: environment and mounts are those of the first. Body: the arguments, see `isArguments`.
   */
  | {
      readonly type: "open";
      readonly sandbox: number;
      /** Chosen by the host and unique in a cell's life; 0: none. */
      readonly session: number;
      readonly artifact: string;
      readonly task: string;
      readonly limits: SandboxLimits;
      /** Bytes of memory it may have until it says `grown`. */
      readonly granted: number;
      /** 32 bytes in hexadecimal: everything random in the attempt comes from it. */
      readonly seed: string;
      readonly now: number;
      /** What it sees as its environment: an object of strings, as JSON. */
      readonly environment: string;
      /** Folders it sees: a list of `GuestMount`, as JSON. */
      readonly mounts: string;
      readonly body: Uint8Array;
    }
  /** The completion of a call the sandbox waits for. Body: the child's envelope, or the answer to an effect. */
  | {
      readonly type: "complete";
      readonly sandbox: number;
      readonly call: number;
      readonly now: number;
      readonly body: Uint8Array;
    }
  /** The time the sandbox named as `wake` has come. */
  | { readonly type: "wake"; readonly sandbox: number; readonly now: number }
  /** Ends the sandbox wherever it is; `ended` follows with the error `cancelled`, whatever the host's reason. */
  | { readonly type: "stop"; readonly sandbox: number }
  /** Answers `grown`: it may go on, with so many bytes of memory. */
  | { readonly type: "grant"; readonly sandbox: number; readonly granted: number }
  /** Lets go of what a session left. Nothing of it runs. */
  | { readonly type: "drop"; readonly session: number }
  /** Bytes of memory that the cell's unused instances may take together. */
  | { readonly type: "keep"; readonly bytes: number }
  | { readonly type: "ping"; readonly n: number };

export interface SandboxLimits {
  readonly fuel: number;
  readonly ram: number | null;
}

/** What a sandbox used. Fuel is exact; bytes are the peak of its memory. */
export interface Usage {
  readonly fuel: number;
  readonly ram: number;
}

export type FromCell =
  | { readonly type: "ready"; readonly engine: string }
  | { readonly type: "pong"; readonly n: number }
  /**
   * A program was loaded. Body: the artifact's page difference. `tasks` is a list
   * of `LoadedTask`, `reasons` a list of strings and `output` a list of `LoadOutput`, as JSON: the guest's words.
   * A program that could not be loaded is an `ended`.
   */
  | {
      readonly type: "loaded";
      readonly sandbox: number;
      readonly tasks: string;
      readonly entry: string;
      readonly notice: string;
      readonly snapshot: SnapshotPoint;
      readonly reasons: string;
      readonly output: string;
      readonly globals: readonly number[];
      readonly fuel: number;
      readonly ram: number;
      readonly body: Uint8Array;
    }
  /**
   * The guest calls a task. A `sync` call suspends the sandbox until `complete`. Body: arguments, see `isArguments`; empty
   * if they are more than `LIMITS.argumentBytes`.
   */
  | {
      readonly type: "call";
      readonly sandbox: number;
      readonly call: number;
      readonly mode: "sync" | "async";
      readonly task: string;
      readonly body: Uint8Array;
    }
  /**
   * The guest asks for a file or an HTTP exchange; counted with its calls. A `sync` one suspends the sandbox until
   * `complete`, for a `post` none comes. Body: see `decodeEffect`; empty if its head and its payload are more than is allowed.
   */
  | {
      readonly type: "effect";
      readonly sandbox: number;
      readonly call: number;
      readonly mode: EffectMode;
      readonly name: EffectName;
      readonly body: Uint8Array;
    }
  /** Body: whole characters of UTF-8; empty, once and at last, if the rest is dropped for `LIMITS.attemptOutputBytes`. */
  | { readonly type: "output"; readonly sandbox: number; readonly stream: 1 | 2; readonly body: Uint8Array }
  /** The guest gives up an async call: its task is to be cancelled. */
  | { readonly type: "revoke"; readonly sandbox: number; readonly call: number }
  /**
   * The turn is over or suspended, the task is not: it waits for `pending` calls, or for the time `wake` (ms since 1970,
   * −1: none).
   */
  | { readonly type: "idle"; readonly sandbox: number; readonly wake: number; readonly pending: number }
  /**
   * Its memory has grown to `ram` bytes, more than was granted. It waits, before it can use them, for `grant` or `stop`.
   */
  | { readonly type: "grown"; readonly sandbox: number; readonly ram: number }
  /** Its guest has taken `bytes` more of what it was sent as `complete`; said for every `LIMITS.takenReport` of them. */
  | { readonly type: "took"; readonly sandbox: number; readonly bytes: number }
  /** It has used `fuel` units so far; said once more for every `LIMITS.fuelReport` of an attempt. */
  | { readonly type: "used"; readonly sandbox: number; readonly fuel: number }
  /** Body: the result's JSON text if `ok`; else an `ErrorReport` as JSON or, with `plain`, a message in our words. */
  | {
      readonly type: "ended";
      readonly sandbox: number;
      readonly ok: boolean;
      readonly error: ErrorType | "";
      readonly plain: boolean;
      /** Code that this variant of the engine was made without and the guest got to; empty: none. */
      readonly lacks: string;
      /** What of it a later attempt of its session finds; empty: it has no session. */
      readonly memory: SessionMemory | "";
      /** Bytes of memory that its instance keeps for the session, and those of the image that is taken of it. */
      readonly parked: number;
      readonly image: number;
      readonly fuel: number;
      readonly ram: number;
      readonly body: Uint8Array;
    };

/**
 * What the memory of a session is after an attempt. `kept`: what the attempt did is in it. `rolled_back`: it is as it was
 * before the attempt. `lost`: the next one begins afresh.
 */
export type SessionMemory = "kept" | "rolled_back" | "lost";

/** A folder that a sandbox sees. */
export interface GuestMount {
  /** Absolute, with `/`, such as `/app/data`. */
  readonly path: string;
  readonly writable: boolean;
}

/** A task as the loaded program registered it; the guest's words, checked by `checkLoadedTasks`. */
export interface LoadedTask {
  readonly name: string;
  readonly policy: DeclaredPolicy;
  readonly async: boolean;
  /** The function's source text, for its parameters; empty where `parameters` are given. */
  readonly source: string;
  readonly parameters?: Parameters | undefined;
}

import type { SnapshotPoint } from "./manifest.ts";
import type { ErrorReport } from "./report.ts";

/**
 * What a language is to a cell. A cell knows no language: it opens an engine, makes instances, and drives each by
 * turns. All methods that enter the guest suspend when a slice of fuel is used up (`Host.yield`) and return when the
 * guest is idle. At most one entry is in flight per instance.
 */
export interface GuestLanguage {
  readonly language: string;
  /** Content hash of everything the engine's image is made of. */
  readonly engine: string;
  /** Bytes a sandbox takes before a program runs in it. */
  readonly floor: number;
  create(host: GuestHost): GuestInstance;
}

/** What an instance may ask of its cell. Nothing here throws into the guest. */
export interface GuestHost {
  /**
   * Called when a slice is used up, with the fuel still to be granted in `grant`.
   * Resolves true to go on; false traps the guest for good.
   */
  yield(): Promise<boolean>;
  /** A task call; returns its id, or an error the guest gets as that call's envelope. */
  call(mode: "sync" | "async", task: string, args: Uint8Array): number;
  /** Resolves with the envelope of the sync call `id`; null ends the guest. */
  wait(id: number): Promise<Uint8Array | null>;
  output(stream: 1 | 2, text: Uint8Array): void;
  /** `length` bytes of the attempt's own random stream. */
  random(length: number): Uint8Array;
  /** Milliseconds since 1970 at the last delivered event; the instance adds the fuel burned since. */
  now(): number;
}

/** Where a turn left the guest. */
export type TurnEnd =
  | { readonly state: "idle"; readonly wake: number | null; readonly pending: number }
  | { readonly state: "result"; readonly json: Uint8Array }
  | { readonly state: "error"; readonly report: ErrorReport }
  /** Anything that ended the instance; it can't be entered again, only reset. */
  | { readonly state: "dead"; readonly reason: "trap" | "stopped"; readonly message: string };

export interface Image {
  readonly globals: readonly number[];
  readonly pages: Uint8Array;
}

export interface LoadOutcome {
  readonly tasks: string;
  readonly snapshot: SnapshotPoint;
  readonly reasons: readonly string[];
  readonly image: Image;
}

export interface GuestInstance {
  /** Sets memory and globals to an artifact's image (or the engine's), whatever ran before. */
  reset(image: Image | null, limits: { fuel: number; ram: number | null }): void;
  load(source: Uint8Array): Promise<{ ok: true; value: LoadOutcome } | { ok: false; end: TurnEnd }>;
  start(task: string, args: Uint8Array): Promise<TurnEnd>;
  complete(call: number, envelope: Uint8Array): Promise<TurnEnd>;
  wake(): Promise<TurnEnd>;
  readonly fuelUsed: number;
  readonly ramUsed: number;
}

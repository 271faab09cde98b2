import type { Descriptors } from "./descriptors.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { FileHost, Mounts } from "./mounted/mounts.ts";
import type { DirectoryNode } from "./nodes.ts";
import type { Scratch } from "./scratch.ts";

/** What the guest's system is connected to. Nothing here throws, and nothing enters the guest. */
export interface WasiHost {
  /** Nanoseconds since 1970, by the guest's clock: for all clocks there are. */
  clock(): bigint;
  /** `length` bytes of the attempt's own random stream. */
  random(length: number): Uint8Array;
  /** Takes what the guest prints. The bytes are the callee's. */
  output(stream: 1 | 2, bytes: Uint8Array): void;
  /** Suspends the guest until a time of its clock. False: the guest has been ended meanwhile. */
  sleep(until: bigint): Promise<boolean>;
  /** The guest asked to be ended. It traps when this returns. */
  exit(code: number): void;
  /** Takes fuel for work that the guest's own instructions don't account for: once per call. */
  charge(units: number): void;
  /** Something of ours failed: the guest must not go on. */
  doom(cause: unknown): void;
  /** For files of mounts; without it there are none. */
  readonly files?: FileHost;
  /** Is told of a path that leads to nothing, as the guest wrote it, and with null of what can't be written to. */
  missed?(path: string | null): void;
  /** Is told what is written to the guest's memory. */
  wrote?(at: number, length: number): void;
}

/** What operations work with. `root`, `scratch`, `descriptors` and `mounts` are new for each attempt. */
export interface World {
  readonly host: WasiHost;
  readonly memory: GuestMemory;
  readonly args: readonly Uint8Array[];
  readonly environment: readonly Uint8Array[];
  root: DirectoryNode;
  scratch: Scratch;
  descriptors: Descriptors;
  /** Null: there are none. */
  mounts: Mounts | null;
  /** What the call at hand has to pay for, beside itself. */
  readonly cost: { steps: number; bytes: number; units: number };
  /** Whether the guest can be made to wait. */
  suspending: boolean;
  /** Counts resets: what was begun for an attempt has no effect on the next. */
  attempt: number;
}

/** A call of the guest's. Pointers, lengths and descriptors come as unsigned numbers, 64-bit integers signed. */
export interface Operation {
  /** What it does, as the documentation says it. */
  readonly does: string;
  /** Throws a `Refusal` to answer with an error number. */
  readonly run: (world: World, ...args: never[]) => void | Promise<void>;
  /** Whether it may suspend the guest: only where it gives a promise. */
  readonly suspends?: true;
}

export type Operations = Readonly<Record<string, Operation>>;

/*
 * Prices are a fraction of what the time would buy in compiled code (about 20 units a nanosecond), but enough that work
 * of ours ends with the fuel, and that a slice can't be filled with calls.
 */
const CALL_UNITS = 4000;
/** Per name of a path, entry of a directory, and the like. */
const STEP_UNITS = 1000;

/** Charges for a call and for what it did, and begins anew. Bytes cost a unit each. */
export function settle(world: World): void {
  world.cost.units += CALL_UNITS;
  settleRest(world);
}

/** Charges for what was done after the guest had to wait. */
export function settleRest({ host, cost }: World): void {
  const units = cost.steps * STEP_UNITS + cost.bytes + cost.units;
  cost.steps = 0;
  cost.bytes = 0;
  cost.units = 0;
  if (units > 0) host.charge(units);
}

/** WASI preview 1 for the Python engine: a small system of its own, in memory. */
import type { ProgramFiles } from "../../files.ts";
import { Descriptors, FIRST_FREE } from "./descriptors.ts";
import { GuestMemory } from "./guest-memory.ts";
import { type Mode, wasiImports } from "./imports.ts";
import { Mounts } from "./mounted/mounts.ts";
import { SCRATCH_LIMITS, Scratch, type ScratchLimits } from "./scratch.ts";
import { mountedTree, programTree, rootOf, type Tree } from "./trees.ts";
import type { WasiHost, World } from "./world.ts";

export { type DoorOptions, hostCall } from "./host-call.ts";
export { IMPORTS, type Mode, WASI_MODULE } from "./imports.ts";
export type { FileHost } from "./mounted/mounts.ts";
export type { RandomAccess } from "./nodes.ts";
export { SCRATCH_LIMITS, type ScratchLimits } from "./scratch.ts";
export { engineTree, type Tree } from "./trees.ts";
export type { WasiHost } from "./world.ts";
export type { Inflate } from "./zip.ts";

export interface WasiOptions {
  readonly host: WasiHost;
  /** The engine's files, from `engineTree`; one for all instances. */
  readonly engine: Tree;
  readonly args?: readonly string[];
  /** Read by the engine while it boots, and part of its image from then on. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly scratch?: ScratchLimits;
}

/** Where what programs write goes, and that there are no time zones of the system's: Python brings its own. */
const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: "/tmp", TMPDIR: "/tmp", PYTHONTZPATH: "" };

/** Why a snapshot can't hold a program. */
export type OpenState = "files left open" | "standard streams closed" | "files written to /tmp";

/** The system of one instance. */
export interface Wasi {
  /** The functions to import from `WASI_MODULE`. In mode "plain" what would wait is refused with `NOTSUP`. */
  imports(memory: () => WebAssembly.Memory, mode?: Mode): WebAssembly.ModuleImports;
  /**
   * A fresh system for the next attempt: nothing open, `/tmp` empty, the files of a program (null: none), and mounts in
   * front of them by their paths, which only a program has.
   */
  reset(program: ProgramFiles | null, mounts?: readonly string[]): void;
  /** The sandbox waited for something else than a file: what is known of files may no longer be so. */
  waited(): void;
  /** Notes what is open, for `restore`. What is in `/tmp` and in mounts is not noted: it stays as it is. */
  keep(): void;
  /** Opens what was open then, under the same numbers, and closes everything else. */
  restore(): void;
  /** Has what another one has, which is not used any more. */
  adopt(other: Wasi): void;
  /** What a snapshot of the instance would lack, in words for people. */
  snapshotState(): readonly OpenState[];
}

const encoder = new TextEncoder();
const worlds = new WeakMap<Wasi, World>();

/** Makes the system of one instance, as `reset(null)` leaves it. */
export function createWasi(options: WasiOptions): Wasi {
  const {
    host,
    engine,
    args = ["python"],
    environment = ENVIRONMENT,
    scratch: limits = SCRATCH_LIMITS,
  } = options;
  let memory: () => WebAssembly.Memory = () => {
    throw new Error("the guest has no memory yet");
  };
  const fresh = (
    program: ProgramFiles | null,
    start: bigint,
    paths: readonly string[] = [],
  ): Pick<World, "root" | "scratch" | "descriptors" | "mounts"> => {
    const scratch = new Scratch(limits, () => host.clock(), start);
    const mounts = program !== null && paths.length > 0 && host.files ? new Mounts(host.files) : null;
    const trees = [engine];
    if (program !== null) trees.push(mounts ? mountedTree(program, paths) : programTree(program));
    const root = rootOf(trees, scratch.top);
    return { root, scratch, descriptors: new Descriptors(root, scratch), mounts };
  };
  const world: World = {
    host,
    memory: new GuestMemory(
      () => memory(),
      (at, length) => host.wrote?.(at, length),
    ),
    args: args.map((arg) => encoder.encode(`${arg}\0`)),
    environment: Object.entries(environment).map(([name, value]) => encoder.encode(`${name}=${value}\0`)),
    ...fresh(null, 0n),
    cost: { steps: 0, bytes: 0, units: 0 },
    suspending: false,
    attempt: 0,
  };
  const wasi: Wasi = {
    imports(ofGuest, mode = "suspending") {
      memory = ofGuest;
      world.suspending = mode === "suspending";
      return wasiImports(world, mode);
    },
    reset(program, mounts) {
      world.mounts?.end();
      Object.assign(world, fresh(program, host.clock(), mounts), { attempt: world.attempt + 1 });
    },
    waited: () => world.mounts?.waited(),
    keep: () => world.descriptors.keep(),
    restore() {
      world.descriptors.restore();
      world.attempt++;
    },
    adopt(other) {
      const { root, scratch, descriptors, mounts } = worlds.get(other) as World;
      Object.assign(world, { root, scratch, descriptors, mounts });
      scratch.now = () => host.clock();
      if (host.files) mounts?.moveTo(host.files);
    },
    snapshotState() {
      const { descriptors, scratch } = world;
      const state: OpenState[] = [];
      if (descriptors.opened > 0) state.push("files left open");
      if (descriptors.standing < FIRST_FREE) state.push("standard streams closed");
      if (scratch.top.entries.size > 0) state.push("files written to /tmp");
      return state;
    },
  };
  worlds.set(wasi, world);
  return wasi;
}

import { CLOCKS } from "./defs.ts";
import { refusal } from "./refusal.ts";
import type { Operations, World } from "./world.ts";

/** Bytes that one call may ask for. wasi-libc asks for 256. */
export const MOST_RANDOM = 1024 * 1024;
const RANDOM_CHUNK = 64 * 1024;
/** Fuel per random byte. */
const RANDOM_UNITS = 16;
/** Nanoseconds. */
const RESOLUTION = 1000n;

/** Arguments, environment, clocks, randomness, and the end. */
export const PROCESS: Operations = {
  args_sizes_get: {
    does: "says how many arguments there are, and their size: always one, `python`",
    run: (world, count: number, size: number) => writeSizes(world, world.args, count, size),
  },
  args_get: {
    does: "writes the arguments",
    run: (world, pointers: number, strings: number) => writeStrings(world, world.args, pointers, strings),
  },
  environ_sizes_get: {
    does: "says how many environment variables there are, and their size: `HOME`, `TMPDIR`, `PYTHONTZPATH`, none of the host's",
    run: (world, count: number, size: number) => writeSizes(world, world.environment, count, size),
  },
  environ_get: {
    does: "writes the environment variables",
    run: (world, pointers: number, strings: number) =>
      writeStrings(world, world.environment, pointers, strings),
  },
  clock_res_get: {
    does: "says 1 µs for the four clocks; EINVAL for others",
    run(world, clock: number, out: number) {
      checkClock(clock);
      world.memory.setU64(out, RESOLUTION);
    },
  },
  clock_time_get: {
    does: "writes the guest's clock, made of events and fuel, for all four clocks; EINVAL for others",
    run(world, clock: number, _precision: bigint, out: number) {
      checkClock(clock);
      world.memory.setU64(out, world.host.clock());
    },
  },
  random_get: {
    does: "writes up to 1 MiB of the attempt's random stream; EINVAL for more",
    run(world, at: number, length: number) {
      if (length > MOST_RANDOM) throw refusal("INVAL");
      fillRandom(world, world.memory.room(at, length));
    },
  },
  sched_yield: { does: "nothing: there is one thread", run: () => {} },
  proc_exit: {
    does: "ends the guest",
    run: (world, code: number) => world.host.exit(code),
  },
  proc_raise: {
    does: "ENOSYS: there are no signals",
    run() {
      throw refusal("NOSYS");
    },
  },
};

export function fillRandom({ host, cost }: World, into: Uint8Array): void {
  cost.units += into.length * RANDOM_UNITS;
  for (let done = 0; done < into.length; done += RANDOM_CHUNK)
    into.set(host.random(Math.min(RANDOM_CHUNK, into.length - done)), done);
}

function checkClock(clock: number): void {
  if (clock >= CLOCKS) throw refusal("INVAL");
}

function writeSizes(world: World, strings: readonly Uint8Array[], count: number, size: number): void {
  world.memory.setU32(count, strings.length);
  world.memory.setU32(
    size,
    strings.reduce((sum, { length }) => sum + length, 0),
  );
}

function writeStrings(world: World, strings: readonly Uint8Array[], pointers: number, at: number): void {
  let pointer = pointers;
  let next = at;
  for (const string of strings) {
    world.cost.bytes += string.length;
    world.memory.setU32(pointer, next);
    world.memory.room(next, string.length).set(string);
    pointer += 4;
    next += string.length;
  }
}

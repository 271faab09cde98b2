import { CLOCKS, ERRNO, EVENT, EVENTTYPE, RIGHT, SUBCLOCKFLAG_ABSTIME, SUBSCRIPTION } from "./defs.ts";
import { Refusal, refusal } from "./refusal.ts";
import type { Operations, World } from "./world.ts";

/** `select` on all descriptors there can be, to read and to write, with a timeout, and some room. */
const MOST_SUBSCRIPTIONS = 4096;
/** The end of time, in nanoseconds since 1970. */
const NEVER = (1n << 63n) - 1n;
const NOW = 0n;

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** An error number, or 0. */
  readonly error: number;
  /** When it is due, in nanoseconds since 1970; `NOW` for what needs no waiting. */
  readonly deadline: bigint;
}

/** Waiting. */
export const POLL: Operations = {
  poll_oneoff: {
    does: "waits for a time, and suspends the guest so long; files and standard streams are always ready",
    suspends: true,
    run(world, subscriptions: number, events: number, count: number, out: number) {
      if (count === 0 || count > MOST_SUBSCRIPTIONS) throw refusal("INVAL");
      world.memory.check(subscriptions, count * SUBSCRIPTION.size);
      world.memory.check(events, count * EVENT.size);
      world.memory.check(out, 4);
      world.cost.steps += count;
      const now = world.host.clock();
      const all = Array.from({ length: count }, (_, i) =>
        subscription(world, subscriptions + i * SUBSCRIPTION.size, now),
      );
      const ready = all.filter(({ deadline }) => deadline <= now);
      if (ready.length > 0) return answer(world, ready, events, out);
      const first = all.map(({ deadline }) => deadline).reduce(earlier);
      const due = all.filter(({ deadline }) => deadline === first);
      if (!world.suspending) throw refusal("NOTSUP");
      return sleep(world, first, () => answer(world, due, events, out));
    },
  },
};

const earlier = (a: bigint, b: bigint): bigint => (a < b ? a : b);

async function sleep(world: World, until: bigint, then: () => void): Promise<void> {
  const { attempt } = world;
  const woken = await world.host.sleep(until);
  // Whoever was ended, or belongs to an attempt that is over, must not write into memory that may be another's by now.
  if (!woken || attempt !== world.attempt) throw refusal("CANCELED");
  then();
}

function subscription(world: World, at: number, now: bigint): Subscription {
  const view = world.memory.view(at, SUBSCRIPTION.size);
  const userdata = view.getBigUint64(at + SUBSCRIPTION.userdata, true);
  const type = view.getUint8(at + SUBSCRIPTION.tag);
  if (type !== EVENTTYPE.CLOCK) {
    const error = descriptorError(world, type, view.getUint32(at + SUBSCRIPTION.descriptor, true));
    return { userdata, type, error, deadline: NOW };
  }
  if (view.getUint32(at + SUBSCRIPTION.clock, true) >= CLOCKS)
    return { userdata, type, error: ERRNO.INVAL, deadline: NOW };
  const timeout = view.getBigUint64(at + SUBSCRIPTION.timeout, true);
  const isAbsolute = (view.getUint16(at + SUBSCRIPTION.flags, true) & SUBCLOCKFLAG_ABSTIME) !== 0;
  const deadline = isAbsolute ? timeout : now + timeout;
  return { userdata, type, error: 0, deadline: earlier(deadline, NEVER) };
}

function descriptorError(world: World, type: number, fd: number): number {
  if (type !== EVENTTYPE.FD_READ && type !== EVENTTYPE.FD_WRITE) throw refusal("INVAL");
  try {
    world.descriptors.able(fd, RIGHT.POLL_FD_READWRITE);
    return 0;
  } catch (cause) {
    if (cause instanceof Refusal) return ERRNO[cause.errno];
    throw cause;
  }
}

function answer(world: World, ready: readonly Subscription[], events: number, out: number): void {
  const view = world.memory.roomView(events, ready.length * EVENT.size);
  for (const [i, { userdata, type, error }] of ready.entries()) {
    const at = events + i * EVENT.size;
    world.memory.room(at, EVENT.size).fill(0);
    view.setBigUint64(at + EVENT.userdata, userdata, true);
    view.setUint16(at + EVENT.error, error, true);
    view.setUint8(at + EVENT.type, type);
    // At least a byte can be read or written; how many, nobody can know of a stream.
    if (type !== EVENTTYPE.CLOCK) view.setBigUint64(at + EVENT.bytes, 1n, true);
  }
  world.memory.setU32(out, ready.length);
}

import { ERRNO } from "./defs.ts";
import { DESCRIPTOR_CALLS } from "./descriptor-calls.ts";
import { HOST_CALL } from "./host-call.ts";
import { PATH_CALLS } from "./path-calls.ts";
import { POLL } from "./poll.ts";
import { PROCESS } from "./process.ts";
import { Refusal } from "./refusal.ts";
import { SOCKETS } from "./sockets.ts";
import { type Operation, type Operations, settle, settleRest, type World } from "./world.ts";

/** The module that the engine imports all of this from. */
export const WASI_MODULE = "wasi_snapshot_preview1";

/** All of WASI preview 1, also what the engine at hand does not import. */
const OPERATIONS: Operations = { ...PROCESS, ...DESCRIPTOR_CALLS, ...PATH_CALLS, ...POLL, ...SOCKETS };

/**
 * Everything an engine may import, and what it does: the guest's whole attack surface. `docs/security.md` lists it, and
 * `scripts/check-docs.ts` holds it to this.
 */
export const IMPORTS: Readonly<Record<string, string>> = Object.fromEntries([
  ["host.call", HOST_CALL],
  ...Object.entries(OPERATIONS).map(([name, { does }]) => [`${WASI_MODULE}.${name}`, does] as const),
]);

/** Whether calls come from a stack that can be suspended, or from plain calls of exports, in which nobody can wait. */
export type Mode = "suspending" | "plain";

/**
 * The functions of `WASI_MODULE`. Nothing throws into the guest, for which an exception would be one it could catch; a
 * failure of ours dooms it.
 */
export function wasiImports(world: World, mode: Mode): WebAssembly.ModuleImports {
  const functions: WebAssembly.ModuleImports = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const call = guarded(world, operation);
    functions[name] =
      operation.suspends && mode === "suspending"
        ? (new WebAssembly.Suspending(call) as unknown as WebAssembly.ImportValue)
        : call;
  }
  return functions;
}

type Argument = number | bigint;
type Call = (...args: Argument[]) => number | Promise<number>;

function guarded(world: World, { run }: Operation): Call {
  const checked = run as (world: World, ...args: Argument[]) => void | Promise<void>;
  return (...args) => {
    try {
      for (let i = 0; i < args.length; i++) {
        const arg = args[i] as Argument;
        if (typeof arg === "number") args[i] = arg >>> 0;
      }
      const waiting = checked(world, ...args);
      return waiting instanceof Promise ? late(world, waiting) : ERRNO.SUCCESS;
    } catch (cause) {
      return failure(world, cause);
    } finally {
      settle(world);
    }
  };
}

/** What a call answers that waited. If the attempt is over meanwhile, it touches nothing of the next one's. */
async function late(world: World, waiting: Promise<void>): Promise<number> {
  const { attempt } = world;
  try {
    await waiting;
    return ERRNO.SUCCESS;
  } catch (cause) {
    return attempt === world.attempt ? failure(world, cause) : ERRNO.CANCELED;
  } finally {
    if (attempt === world.attempt) settleRest(world);
  }
}

function failure(world: World, cause: unknown): number {
  if (cause instanceof Refusal) {
    if (cause.errno === "ROFS") world.host.missed?.(null);
    return ERRNO[cause.errno];
  }
  world.host.doom(cause);
  return ERRNO.IO;
}

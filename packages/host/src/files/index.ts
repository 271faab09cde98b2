/** The host's side of files: what an attempt can see and change is its mounts, and nothing else. */
import { EffectError, Line } from "@capsule-run/protocol";
import type { Capability, Mount } from "../capability.ts";
import { breathe } from "./breath.ts";
import { DiskBudget } from "./disk.ts";
import { type Asked, forGuest, refuse } from "./failure.ts";
import { type Ground, groundFor } from "./ground.ts";
import { makeHandles } from "./handles.ts";
import type { Head } from "./heads.ts";
import { FILE_LIMITS } from "./limits.ts";
import { makeLocks } from "./locks.ts";
import { MOVING } from "./moving.ts";
import { type Attempt, OPERATIONS, type Operation } from "./operations.ts";
import { branchesOf, closeWorld, openWorld, type World } from "./world.ts";

export { DiskBudget } from "./disk.ts";
export { isKept } from "./kept.ts";
export { FILE_LIMITS } from "./limits.ts";
export { checkMount } from "./mount.ts";

/**
 * The files of one attempt. Nothing is opened before the first operation; the mounts' roots then stay open until `close`.
 * A mount whose folder can't be opened is not there for the guest.
 *
 * Who gives a folder gives all that can be reached in it without symlinks, hard links included, which look like any file.
 * Where one mount is read-only and another one writable, the folder that is deeper on the disk decides.
 *
 * @param disk pays for what is added; attempts of one run share it
 * @throws Error if two mounts are at the same path, or a mount's path in the guest is not absolute and plain
 */
export const openFiles = (mounts: readonly Mount[], disk = new DiskBudget()): Capability =>
  openFilesOn(groundFor, mounts, disk);

/** The same on a ground of choice: tests run the one of other platforms. */
export function openFilesOn(
  groundOf: (host: string) => Ground,
  mounts: readonly Mount[],
  disk = new DiskBudget(),
): Capability {
  branchesOf(mounts);
  const handles = makeHandles();
  const line = new Line(FILE_LIMITS.parallel);
  const locks = makeLocks(FILE_LIMITS.locks);
  const active = new Set<Promise<unknown>>();
  let opening: Promise<World> | null = null;
  let closing: Promise<void> | null = null;

  const world = (): Promise<World> => {
    opening ??= openWorld(mounts, groundOf, disk);
    return opening;
  };

  const startFor =
    (signal: AbortSignal): Attempt["start"] =>
    async (job, way = "by name") => {
      const leave = await line.enter();
      try {
        await breathe();
        if (signal.aborted || closing !== null) refuse("ECANCELED");
        const opened = await world();
        if (opened.held || way === "by number") return await job(opened);
        return await MOVING[way === "moving" ? "alone" : "together"](() => job(opened));
      } finally {
        leave();
      }
    };

  const end = async (): Promise<void> => {
    await Promise.allSettled(active);
    await handles.closeAll();
    if (opening === null) return;
    const opened = await opening;
    if (opened.held) await locks.release(opened);
    else await MOVING.together(() => locks.release(opened));
    closeWorld(opened);
  };

  return {
    async perform(name, head, payload, signal) {
      const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
      if (operation === undefined)
        throw new EffectError("ENOSYS", "ENOSYS: there is no such operation on files");
      const asked = askedBy(operation, head);
      const result = operation.run({ handles, start: startFor(signal) }, head, payload);
      active.add(result);
      try {
        const done = await result;
        locks.note(name, head);
        return done;
      } catch (error) {
        throw forGuest(error, asked);
      } finally {
        active.delete(result);
      }
    },
    mark: () => handles.mark(),
    undo: () => handles.closeNew(),
    async close() {
      closing ??= end();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FILE_LIMITS.closeMs);
      });
      // What a disk does not finish is closed when it does; nobody waits for it.
      await Promise.race([closing, late]);
      clearTimeout(timer);
    },
  };
}

function askedBy({ call }: Operation, head: Head): Asked {
  const path = head.path ?? head.from;
  const to = head.to;
  return {
    call: call(head),
    path: typeof path === "string" ? path : undefined,
    to: typeof to === "string" ? to : undefined,
  };
}

/** The operations of files by name: what a head has to say, and what is done. */
import type { Performed } from "../capability.ts";
import { mkdir, readlink, rename, rmdir, truncatePath, unlink } from "./changes.ts";
import { read, sync, truncateHandle, writeTo } from "./contents.ts";
import type { Handle, Handles } from "./handles.ts";
import { count, countOrNull, flag, type Head, target, text, time } from "./heads.ts";
import { listHandle, listPath } from "./list.ts";
import { open } from "./open.ts";
import { statOfHandle, statOfPath } from "./stat.ts";
import { setTimes, setTimesOf } from "./times.ts";
import type { World } from "./world.ts";

export interface Operation {
  /** The system call that messages name. */
  readonly call: (head: Head) => string;
  readonly run: (attempt: Attempt, head: Head, payload: Uint8Array) => Promise<Performed>;
}

/** Whether an operation goes by names, moves them, or neither: see `namedGround`. */
export type Way = "by name" | "moving" | "by number";

export interface Attempt {
  readonly handles: Handles;
  /** Does what needs the disk, when it is its turn. */
  readonly start: <T>(job: (world: World) => Promise<T>, way?: Way) => Promise<T>;
}

/** Something done to a handle, after all that was asked of it before: its place there is taken at once. */
const onHandle = <T>(
  { handles, start }: Attempt,
  id: number,
  job: (handle: Handle) => Promise<T>,
): Promise<T> => handles.use(id, (handle) => start(() => job(handle)));

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  open: {
    call: () => "open",
    run: open,
  },
  read: {
    call: () => "read",
    async run(attempt, head) {
      const at = count(head, "at");
      const length = count(head, "length");
      return onHandle(attempt, count(head, "handle"), (handle) => read(handle, at, length));
    },
  },
  write: {
    call: () => "write",
    async run(attempt, head, payload) {
      const at = countOrNull(head, "at");
      return onHandle(attempt, count(head, "handle"), (handle) => writeTo(handle, at, payload));
    },
  },
  close: {
    call: () => "close",
    async run({ handles }, head) {
      await handles.close(count(head, "handle"));
      return { head: {} };
    },
  },
  stat: {
    call: (head) => (head.path === undefined ? "fstat" : head.follow === false ? "lstat" : "stat"),
    async run(attempt, head) {
      const aim = target(head);
      if (aim.path === undefined) return onHandle(attempt, aim.handle, statOfHandle);
      const follow = flag(head, "follow");
      return attempt.start((world) => statOfPath(world, aim.path, follow));
    },
  },
  list: {
    call: () => "scandir",
    async run(attempt, head) {
      const aim = target(head);
      return aim.path === undefined
        ? onHandle(attempt, aim.handle, listHandle)
        : attempt.start((world) => listPath(world, aim.path));
    },
  },
  mkdir: {
    call: () => "mkdir",
    async run(attempt, head) {
      const path = text(head, "path");
      return attempt.start((world) => mkdir(world, path));
    },
  },
  unlink: {
    call: () => "unlink",
    async run(attempt, head) {
      const path = text(head, "path");
      return attempt.start((world) => unlink(world, path));
    },
  },
  rmdir: {
    call: () => "rmdir",
    async run(attempt, head) {
      const path = text(head, "path");
      return attempt.start((world) => rmdir(world, path));
    },
  },
  rename: {
    call: () => "rename",
    async run(attempt, head) {
      const from = text(head, "from");
      const to = text(head, "to");
      return attempt.start((world) => rename(world, from, to), "moving");
    },
  },
  truncate: {
    call: (head) => (head.path === undefined ? "ftruncate" : "truncate"),
    async run(attempt, head) {
      const aim = target(head);
      const size = count(head, "size");
      return aim.path === undefined
        ? onHandle(attempt, aim.handle, (handle) => truncateHandle(handle, size))
        : attempt.start((world) => truncatePath(world, aim.path, size));
    },
  },
  times: {
    call: (head) => (head.path === undefined ? "futime" : head.follow === false ? "lutime" : "utime"),
    async run(attempt, head) {
      const aim = target(head);
      const times = { accessed: time(head, "accessed"), modified: time(head, "modified") };
      if (aim.path === undefined) return onHandle(attempt, aim.handle, (handle) => setTimesOf(handle, times));
      const follow = flag(head, "follow");
      return attempt.start((world) => setTimes(world, aim.path, follow, times));
    },
  },
  sync: {
    call: () => "fsync",
    run: async (attempt, head) => onHandle(attempt, count(head, "handle"), sync),
  },
  readlink: {
    call: () => "readlink",
    async run(attempt, head) {
      const path = text(head, "path");
      return attempt.start((world) => readlink(world, path));
    },
  },
};

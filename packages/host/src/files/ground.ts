/**
 * The seam to the platform: how to stand in a folder and take one step, so that nothing leads out of it.
 *
 * What is opened by one step is held, not remembered by its path. All that happens to an entry happens in the folder that
 * is held, by one name without `/`, and never follows.
 */
import { type BigIntStats, constants } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { type Calls, callsFor, closeNow, type Eventually, POOLED } from "./calls.ts";
import { codeOf, refuse } from "./failure.ts";
import { isShortForKept } from "./kept.ts";
import { PROCESS_HELD } from "./limits.ts";

/** A folder one stands in. */
export interface Folder {
  /** Leads to it by the system's calls. */
  readonly path: string;
  /** To be closed by `release`; null where the platform holds none. */
  readonly fd: number | null;
}

/** Something in a folder, looked at and held. */
export interface Found extends Folder {
  /** At the time it was found. */
  readonly stat: BigIntStats;
}

export interface Ground {
  readonly calls: Calls;
  /** Whether `path` of what is held means that very file, whatever happens to its names. */
  readonly holds: boolean;
  /** A path for what is open under this number; null where the platform has none. */
  pathOf(fd: number): string | null;
  /** A mount's root. @throws Refused EACCES if a symlink is on the way to it */
  root(host: string): Promise<Folder>;
  /** One step down. @throws ENOTDIR for a symlink, too */
  enter(folder: Folder, name: string): Promise<Folder>;
  /** What has this name; a symlink is found itself. Null: nothing. */
  find(folder: Folder, name: string): Promise<Found | null>;
  /** Opens what was found, without following, blocking or truncating. @throws Refused EAGAIN if it is another file by now */
  open(found: Found, flags: number): Promise<number>;
  /** The path of an entry for a call that does not follow. @throws Refused EACCES if the folder is not where it was */
  at(folder: Folder, name: string): Eventually<string>;
  /** The folders above, from the nearest to the machine's root. */
  above(folder: Folder): AsyncIterable<BigIntStats>;
}

/** Folders and looks at files that are held, by all attempts of this process: those on the way of a path, roots of mounts. */
let heldInProcess = 0;

export const release = (held: Folder): void => {
  if (held.fd === null) return;
  closeNow(held.fd);
  heldInProcess--;
};

/** A path may have 2,000 names, and each folder on its way is held: sandboxes must leave descriptors for the rest of the host. */
async function hold(opening: () => Eventually<number>): Promise<number> {
  if (heldInProcess >= PROCESS_HELD) refuse("ENFILE");
  heldInProcess++;
  try {
    return await opening();
  } catch (error) {
    heldInProcess--;
    throw error;
  }
}

/** What is the same file has the same. */
export const identity = (stat: BigIntStats): string => `${stat.dev}:${stat.ino}`;

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Node does not name it; all Linux platforms of Node have this number. Nothing is opened but the place: no device wakes up. */
const O_PATH = 0o10000000;

const descriptor = (fd: number): string => `/proc/self/fd/${fd}`;

/**
 * Linux. Node has no `openat`, but `/proc/self/fd/N/name` starts at an open folder and is as good: the system goes to the
 * folder itself, wherever it is now, and `O_NOFOLLOW` makes the one step that is left fail on a symlink. No swap of
 * folders and symlinks, at any time, leads out. A folder that the host moves away while one stands in it stays usable.
 */
export const heldGround = (calls: Calls): Ground => {
  const enter = async (folder: Folder, name: string): Promise<Folder> => {
    const fd = await hold(() => calls.open(`${folder.path}/${name}`, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    return { fd, path: descriptor(fd) };
  };
  return {
    calls,
    holds: true,
    pathOf: descriptor,
    async root(host) {
      let folder: Folder = { path: "", fd: null };
      try {
        for (const name of ["", ...host.split("/").filter((each) => each !== "")]) {
          const next = await enter(folder, name);
          release(folder);
          folder = next;
        }
        return folder;
      } catch (error) {
        release(folder);
        throw error;
      }
    },
    enter,
    async find(folder, name) {
      let fd: number;
      try {
        fd = await hold(() => calls.open(`${folder.path}/${name}`, O_PATH | O_NOFOLLOW));
      } catch (error) {
        if (codeOf(error) === "ENOENT") return null;
        throw error;
      }
      try {
        return { fd, path: descriptor(fd), stat: await calls.fstat(fd) };
      } catch (error) {
        release({ fd, path: "" });
        throw error;
      }
    },
    async open(found, flags) {
      return calls.open(found.path, flags | O_NONBLOCK);
    },
    at: (folder, name) => `${folder.path}/${name}`,
    async *above(folder) {
      let last = await calls.lstat(`${folder.path}/.`);
      for (let path = `${folder.path}/..`; ; path += "/..") {
        const stat = await calls.lstat(path);
        if (identity(stat) === identity(last)) return;
        yield stat;
        last = stat;
      }
    },
  };
};

/**
 * macOS and Windows, which have nothing of the kind: paths, looked at again before each use. What is there beforehand
 * can't lead out: each step has to be a folder and to be where it says it is after all symlinks are resolved. What this does
 * not give: whoever swaps a folder for a symlink in the microseconds between look and use is followed. Sandboxes of one
 * process can't do that to each other: they make no symlinks, and move one that is there only while no other one is on its
 * way (`MOVING`). Other programs can, other processes of ours among them. The same holds for a file's kind: a FIFO that is
 * put in the place of a file in between is opened, without blocking, and refused afterwards.
 */
export const namedGround = (calls: Calls, windows: boolean): Ground => {
  const check = async (folder: Folder): Promise<void> => {
    if ((await realpath(folder.path)) !== folder.path) refuse("EACCES", "the folder was moved");
  };
  const at = async (folder: Folder, name: string): Promise<string> => {
    if (windows && name !== ".") refuseOnWindows(name);
    await check(folder);
    return join(folder.path, name);
  };
  return {
    calls,
    holds: false,
    pathOf: () => null,
    async root(host) {
      if (!(await calls.lstat(host)).isDirectory()) refuse("ENOTDIR");
      if ((await realpath(host)) !== host) refuse("EACCES", "the folder was moved");
      return { path: host, fd: null };
    },
    async enter(folder, name) {
      const path = await at(folder, name);
      if (!(await calls.lstat(path)).isDirectory()) refuse("ENOTDIR");
      const real = await realpath(path);
      if (dirname(real) !== folder.path) refuse("EACCES", "the folder was moved");
      return { path: real, fd: null };
    },
    async find(folder, name) {
      const path = await at(folder, name);
      try {
        return { path, fd: null, stat: await calls.lstat(path) };
      } catch (error) {
        if (codeOf(error) === "ENOENT") return null;
        throw error;
      }
    },
    async open(found, flags) {
      const fd = await calls.open(found.path, flags | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
      try {
        if (identity(await calls.fstat(fd)) === identity(found.stat)) return fd;
      } catch (error) {
        closeNow(fd);
        throw error;
      }
      closeNow(fd);
      return refuse("EAGAIN");
    },
    at,
    async *above(folder) {
      for (let path = folder.path; path !== parse(path).root; ) {
        path = dirname(path);
        yield await calls.lstat(path);
      }
    },
  };
};

/** Names that mean something else on Windows: devices, streams, other drives, names that lose their end. */
export function refuseOnWindows(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what Windows forbids
  if (/[<>:"|?*\\\u0000-\u001f]/.test(name) || /[. ]$/.test(name)) refuse("EINVAL", "no name on Windows");
  if (/^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:[. ]|$)/i.test(name))
    refuse("EACCES", "the name of a device");
  if (isShortForKept(name)) refuse("EACCES", "it may be short for a name that is kept from sandboxes");
}

/** The ground that a mount stands on. */
export const groundFor = (host: string): Ground =>
  process.platform === "linux"
    ? heldGround(callsFor(host))
    : namedGround(POOLED, process.platform === "win32");

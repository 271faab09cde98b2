/** What one attempt has open, by numbers that are never used twice. */
import { Fifo } from "@capsule-run/protocol";
import { closeLater } from "./calls.ts";
import { refuse } from "./failure.ts";
import { closeHeld, type OpenFile } from "./growth.ts";
import { FILE_LIMITS, PROCESS_OPEN_FILES } from "./limits.ts";
import type { Branch, OpenMount } from "./world.ts";

/** `writable`: whether the guest may change what is open, its times for example. */
export type Handle = FileHandle | FolderHandle | VirtualHandle;

export interface FileHandle {
  readonly kind: "file";
  readonly mount: OpenMount;
  readonly file: OpenFile;
  readonly fd: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
  readonly writable: boolean;
}

export interface FolderHandle {
  readonly kind: "folder";
  readonly mount: OpenMount;
  readonly fd: number;
  /** Leads to it by the system's calls. */
  readonly path: string;
  /** Where mounts lie below it. */
  readonly branch: Branch | null;
  readonly writable: boolean;
}

/** A folder that is nowhere on the disk. */
export interface VirtualHandle {
  readonly kind: "virtual";
  readonly fd: null;
  readonly branch: Branch;
  readonly writable: false;
}

export interface Handles {
  /** Takes the handle that `open` makes into the table, when there is room for it. @throws Refused EMFILE, ENFILE */
  add<T extends { readonly handle: Handle }>(open: () => Promise<T>): Promise<T & { readonly id: number }>;
  /** Does something with it after all that was asked for before. @throws Refused EBADF */
  use<T>(id: number, job: (handle: Handle) => Promise<T>): Promise<T>;
  /** Closes it after all that was asked for before; nothing can be asked for any more. @throws Refused EBADF */
  close(id: number): Promise<void>;
  /** From here on `closeNew` counts. */
  mark(): void;
  /** Closes what was opened since the mark. */
  closeNew(): Promise<void>;
  closeAll(): Promise<void>;
}

export async function closeHandle(handle: Handle): Promise<void> {
  if (handle.kind === "file") await closeHeld(handle.file, handle.fd, handle.mount.disk);
  else if (handle.fd !== null) await closeLater(handle.fd);
}

/** Of all attempts of this process, those being closed included. */
let openInProcess = 0;

export function makeHandles(limit: number = FILE_LIMITS.openFiles): Handles {
  const table = new Map<number, { readonly handle: Handle; last: Promise<unknown> }>();
  const closing = new Set<Promise<void>>();
  /** Those who wait for a handle that is being closed, and get its place. */
  const waiting = new Fifo<() => void>();
  let next = 1;
  let marked = 1;
  let taken = 0;

  const take = async (): Promise<void> => {
    if (openInProcess >= PROCESS_OPEN_FILES) refuse("ENFILE");
    // Closing is asked for and not waited for: who closes and opens again must not fail for its delay.
    if (taken < limit) taken++;
    else if (closing.size > waiting.size) await new Promise<void>((resolve) => waiting.push(resolve));
    else refuse("EMFILE");
    openInProcess++;
  };
  const giveBack = (): void => {
    openInProcess--;
    const first = waiting.shift();
    if (first === undefined) taken--;
    else first();
  };

  const closeOne = (id: number): Promise<void> => {
    const entry = table.get(id) ?? refuse("EBADF");
    table.delete(id);
    const done = entry.last.then(async () => {
      await closeHandle(entry.handle);
      closing.delete(done);
      giveBack();
    });
    closing.add(done);
    return done;
  };

  return {
    async add(make) {
      await take();
      try {
        const made = await make();
        const id = next++;
        table.set(id, { handle: made.handle, last: Promise.resolve() });
        return { ...made, id };
      } catch (error) {
        giveBack();
        throw error;
      }
    },
    use(id, job) {
      const entry = table.get(id) ?? refuse("EBADF");
      const result = entry.last.then(() => job(entry.handle));
      entry.last = result.catch(() => undefined);
      return result;
    },
    close: async (id) => closeOne(id),
    mark() {
      marked = next;
    },
    async closeNew() {
      for (const id of [...table.keys()]) if (id >= marked) closeOne(id);
      await Promise.all(closing);
    },
    async closeAll() {
      for (const id of [...table.keys()]) closeOne(id);
      await Promise.all(closing);
    },
  };
}

/** `fs.opendir`: a folder, entry by entry. It is listed at once. */
import { type Doing, doAsync, doSync } from "./ask.ts";
import { failed } from "./errors.ts";
import { listed } from "./folders.ts";
import { placeOf } from "./paths.ts";
import { Dirent } from "./stats.ts";

type Callback = (error: unknown, value?: unknown) => void;

export class Dir {
  readonly path: string;
  readonly #entries: readonly Dirent[];
  #next = 0;
  #closed = false;

  constructor(path: string, entries: readonly Dirent[]) {
    this.path = path;
    this.#entries = entries;
  }

  readSync(): Dirent | null {
    if (this.#closed) throw failed("ERR_DIR_CLOSED", "Directory handle was closed");
    return this.#entries[this.#next++] ?? null;
  }

  read(done?: Callback): Promise<Dirent | null> | undefined {
    const result = (async () => this.readSync())();
    if (!done) return result;
    result.then(
      (entry) => queueMicrotask(() => done(null, entry)),
      (error: unknown) => queueMicrotask(() => done(error)),
    );
    return undefined;
  }

  closeSync(): void {
    if (this.#closed) throw failed("ERR_DIR_CLOSED", "Directory handle was closed");
    this.#closed = true;
  }

  close(done?: Callback): Promise<void> | undefined {
    const result = (async () => this.closeSync())();
    if (!done) return result;
    result.then(
      () => queueMicrotask(() => done(null)),
      (error: unknown) => queueMicrotask(() => done(error)),
    );
    return undefined;
  }

  async *entries(): AsyncGenerator<Dirent> {
    try {
      for (let entry = this.readSync(); entry; entry = this.readSync()) yield entry;
    } finally {
      this.#closed = true;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Dirent> {
    return this.entries();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
  }
}

function* opened(path: unknown): Doing<Dir> {
  const { given } = placeOf(path);
  const entries = yield* listed(path, "opendir");
  return new Dir(
    given,
    entries.map(([name, kind]) => new Dirent(name, given, kind)),
  );
}

export const opendir = (path: unknown): Promise<Dir> => doAsync(opened(path));
export const opendirSync = (path: unknown): Dir => doSync(opened(path));

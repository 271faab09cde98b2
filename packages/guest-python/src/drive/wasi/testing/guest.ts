import type { ProgramFiles } from "../../../files.ts";
import { DIRENT, ERRNO, EVENT, FILESTAT, IOVEC, RIGHT, SUBSCRIPTION } from "../defs.ts";
import {
  createWasi,
  engineTree,
  type FileHost,
  type RandomAccess,
  type ScratchLimits,
  type Wasi,
} from "../index.ts";

const NAMES = new Map<number, string>(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** Where the tests put things in memory. */
export const AT = {
  path: 4096,
  otherPath: 12_288,
  buffers: 20_480,
  out: 32_768,
  data: 65_536,
  size: 32 * 65_536,
} as const;

/** What wasi-libc asks for with `O_RDWR`, and with `O_RDONLY`. */
export const ALL = (1n << 30n) - 1n;
export const READ =
  ALL & ~(RIGHT.FD_WRITE | RIGHT.FD_DATASYNC | RIGHT.FD_ALLOCATE | RIGHT.FD_FILESTAT_SET_SIZE);
export const CREAT = 1;
export const DIRECTORY = 2;
export const EXCL = 4;
export const TRUNC = 8;
export const APPEND = 1;

export interface GuestOptions {
  readonly program?: ProgramFiles | null;
  readonly library?: RandomAccess;
  readonly scratch?: ScratchLimits;
  readonly mode?: "plain" | "suspending";
  /** What answers for the mounts at these paths. */
  readonly files?: FileHost;
  readonly mounts?: readonly string[];
}

type Call = (...args: (number | bigint)[]) => number | Promise<number>;

/** A guest without an engine: memory, and calls of imports by name with the names of error numbers as answers. */
export class TestGuest {
  readonly memory = new WebAssembly.Memory({ initial: AT.size / 65_536 });
  readonly wasi: Wasi;
  readonly imports: WebAssembly.ModuleImports;
  now = 1_700_000_000_000_000_000n;
  charged = 0;
  charges = 0;
  readonly exits: number[] = [];
  readonly doomed: unknown[] = [];
  readonly printed: [stream: number, text: string][] = [];
  readonly sleeps: bigint[] = [];
  readonly wrote: [at: number, length: number][] = [];
  /** What `sleep` answers. */
  wakes = true;
  #paths = 0;

  constructor(options: GuestOptions = {}) {
    const library = options.library ?? { size: 5, read: readOnly(bytesOf("stdli")) };
    this.wasi = createWasi({
      engine: engineTree(library, () => new Uint8Array(0)),
      ...(options.scratch && { scratch: options.scratch }),
      host: {
        clock: () => this.now,
        random: (length) => new Uint8Array(length).fill(7),
        output: (stream, bytes) => this.printed.push([stream, textOf(bytes)]),
        sleep: async (until) => {
          this.sleeps.push(until);
          if (until > this.now) this.now = until;
          return this.wakes;
        },
        exit: (code) => this.exits.push(code),
        charge: (units) => {
          this.charged += units;
          this.charges++;
        },
        doom: (cause) => this.doomed.push(cause),
        wrote: (at, length) => this.wrote.push([at, length]),
        ...(options.files && { files: options.files }),
      },
    });
    const Native = WebAssembly.Suspending;
    // The function itself, because only Wasm can call what suspends.
    function plain(call: unknown): unknown {
      return call;
    }
    Object.assign(WebAssembly, { Suspending: plain });
    try {
      this.imports = this.wasi.imports(() => this.memory, options.mode);
    } finally {
      Object.assign(WebAssembly, { Suspending: Native });
    }
    this.wasi.reset(options.program ?? null, options.mounts);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** Calls an import. Numbers go as Wasm passes them: signed. */
  call(name: string, ...args: (number | bigint)[]): string {
    const answer = this.#import(name)(...args.map((arg) => (typeof arg === "number" ? arg | 0 : arg)));
    return NAMES.get(answer as number) ?? `? ${answer}`;
  }

  async wait(name: string, ...args: (number | bigint)[]): Promise<string> {
    const answer = await this.#import(name)(...args);
    return NAMES.get(answer) ?? `? ${answer}`;
  }

  #import(name: string): Call {
    return this.imports[name] as unknown as Call;
  }

  /** A path's pointer and length, as arguments. Two in turn can be in memory. */
  path(text: string | Uint8Array): [at: number, length: number] {
    const bytes = typeof text === "string" ? bytesOf(text) : text;
    const at = this.#paths++ % 2 === 0 ? AT.path : AT.otherPath;
    this.bytes.set(bytes, at);
    return [at, bytes.length];
  }

  open(path: string, oflags = 0, rights: bigint = READ, fdflags = 0, from = 3): string | number {
    const answer = this.call(
      ...(["path_open", from, 1, ...this.path(path), oflags, rights, ALL, fdflags, AT.out] as const),
    );
    return answer === "SUCCESS" ? this.view.getUint32(AT.out, true) : answer;
  }

  /** A number, or the test fails. */
  mustOpen(...args: Parameters<TestGuest["open"]>): number {
    const fd = this.open(...args);
    if (typeof fd === "string") throw new Error(`${args[0]}: ${fd}`);
    return fd;
  }

  buffers(...spans: (readonly [at: number, length: number])[]): [at: number, count: number] {
    for (const [i, [at, length]] of spans.entries()) {
      this.view.setUint32(AT.buffers + i * IOVEC.size, at, true);
      this.view.setUint32(AT.buffers + i * IOVEC.size + 4, length, true);
    }
    return [AT.buffers, spans.length];
  }

  read(fd: number, length = 100): string {
    const answer = this.call("fd_read", fd, ...this.buffers([AT.data, length]), AT.out);
    return answer === "SUCCESS" ? this.#given() : answer;
  }

  pread(fd: number, offset: bigint, length = 100): string {
    const answer = this.call("fd_pread", fd, ...this.buffers([AT.data, length]), offset, AT.out);
    return answer === "SUCCESS" ? this.#given() : answer;
  }

  #given(): string {
    return textOf(this.bytes.subarray(AT.data, AT.data + this.view.getUint32(AT.out, true)));
  }

  write(fd: number, text: string): string | number {
    const bytes = bytesOf(text);
    this.bytes.set(bytes, AT.data);
    const answer = this.call("fd_write", fd, ...this.buffers([AT.data, bytes.length]), AT.out);
    return answer === "SUCCESS" ? this.view.getUint32(AT.out, true) : answer;
  }

  pwrite(fd: number, text: string, offset: bigint): string | number {
    const bytes = bytesOf(text);
    this.bytes.set(bytes, AT.data);
    const answer = this.call("fd_pwrite", fd, ...this.buffers([AT.data, bytes.length]), offset, AT.out);
    return answer === "SUCCESS" ? this.view.getUint32(AT.out, true) : answer;
  }

  seek(fd: number, offset: bigint, whence: number): string | bigint {
    const answer = this.call("fd_seek", fd, offset, whence, AT.out);
    return answer === "SUCCESS" ? this.view.getBigUint64(AT.out, true) : answer;
  }

  /** Makes a file of `/tmp` with a content. */
  put(path: string, text = ""): void {
    const fd = this.mustOpen(path, CREAT | TRUNC, ALL);
    this.write(fd, text);
    this.call("fd_close", fd);
  }

  stat(path: string): string | ReturnType<TestGuest["statAt"]> {
    const answer = this.call("path_filestat_get", 3, 1, ...this.path(path), AT.out);
    return answer === "SUCCESS" ? this.statAt(AT.out) : answer;
  }

  fstat(fd: number): string | ReturnType<TestGuest["statAt"]> {
    const answer = this.call("fd_filestat_get", fd, AT.out);
    return answer === "SUCCESS" ? this.statAt(AT.out) : answer;
  }

  statAt(at: number): {
    device: bigint;
    inode: bigint;
    type: number;
    links: bigint;
    size: bigint;
    accessed: bigint;
    modified: bigint;
  } {
    const number = (field: number): bigint => this.view.getBigUint64(at + field, true);
    return {
      device: number(FILESTAT.device),
      inode: number(FILESTAT.inode),
      type: this.view.getUint8(at + FILESTAT.filetype),
      links: number(FILESTAT.links),
      size: number(FILESTAT.length),
      accessed: number(FILESTAT.accessed),
      modified: number(FILESTAT.modified),
    };
  }

  /** One call of `fd_readdir`: the names that fit, and the cookie after the last. */
  readdir(fd: number, cookie = 0n, room = 1000): { names: string[]; cookie: bigint } {
    const answer = this.call("fd_readdir", fd, AT.data, room, cookie, AT.out);
    if (answer !== "SUCCESS") throw new Error(answer);
    const end = AT.data + this.view.getUint32(AT.out, true);
    const names: string[] = [];
    let next = cookie;
    for (let at = AT.data; at + DIRENT.size <= end; ) {
      const length = this.view.getUint32(at + DIRENT.nameLength, true);
      const name = at + DIRENT.size;
      if (name + length > end) break;
      names.push(textOf(this.bytes.subarray(name, name + length)));
      next = this.view.getBigUint64(at + DIRENT.next, true);
      at = name + length;
    }
    return { names, cookie: next };
  }

  /** All names in a directory. */
  list(path: string, room = 1000): string[] {
    const fd = this.mustOpen(path, DIRECTORY);
    const all: string[] = [];
    for (let cookie = 0n; ; ) {
      const { names, cookie: next } = this.readdir(fd, cookie, room);
      if (names.length === 0) break;
      all.push(...names);
      cookie = next;
    }
    this.call("fd_close", fd);
    return all;
  }

  /** Writes a subscription to a clock. */
  clock(index: number, timeout: bigint, options: { clock?: number; absolute?: boolean } = {}): void {
    const at = AT.data + index * SUBSCRIPTION.size;
    this.view.setBigUint64(at, BigInt(100 + index), true);
    this.view.setUint8(at + SUBSCRIPTION.tag, 0);
    this.view.setUint32(at + SUBSCRIPTION.clock, options.clock ?? 0, true);
    this.view.setBigUint64(at + SUBSCRIPTION.timeout, timeout, true);
    this.view.setUint16(at + SUBSCRIPTION.flags, options.absolute ? 1 : 0, true);
  }

  /** Writes a subscription to a descriptor. */
  ready(index: number, type: number, fd: number): void {
    const at = AT.data + index * SUBSCRIPTION.size;
    this.view.setBigUint64(at, BigInt(100 + index), true);
    this.view.setUint8(at + SUBSCRIPTION.tag, type);
    this.view.setUint32(at + SUBSCRIPTION.descriptor, fd, true);
  }

  /** The events of the last poll, from behind the subscriptions. */
  events(): { userdata: bigint; error: string | undefined; type: number }[] {
    return Array.from({ length: this.view.getUint32(AT.out, true) }, (_, i) => {
      const at = AT.buffers + i * EVENT.size;
      return {
        userdata: this.view.getBigUint64(at, true),
        error: NAMES.get(this.view.getUint16(at + EVENT.error, true)),
        type: this.view.getUint8(at + EVENT.type),
      };
    });
  }

  poll(count: number): Promise<string> {
    return this.wait("poll_oneoff", AT.data, AT.buffers, count, AT.out);
  }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.slice());

export const readOnly =
  (bytes: Uint8Array): RandomAccess["read"] =>
  (position, into) => {
    const piece = bytes.subarray(position, position + into.length);
    into.set(piece);
    return piece.length;
  };

/** A program of these files. */
export const programOf = (files: Readonly<Record<string, string>>): ProgramFiles => ({
  entry: Object.keys(files)[0] as string,
  variant: "core",
  files: Object.keys(files)
    .sort()
    .map((path) => ({ path, bytes: bytesOf(files[path] as string) })),
});

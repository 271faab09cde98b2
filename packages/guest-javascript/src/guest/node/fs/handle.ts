/** `fs.promises.open` and what it gives. */
import { EventEmitter } from "node:events";
import { readArguments, writeArguments } from "./arguments.ts";
import { type Doing, doAsync } from "./ask.ts";
import * as descriptors from "./descriptors.ts";
import { systemError } from "./errors.ts";
import { type FileOptions, optionsOf, readFile, writeFile } from "./whole.ts";

/** Evaluated when first used: Node's streams are large. */
const streams = (): typeof import("./streams.ts") => require("./streams.ts");

export class FileHandle extends EventEmitter {
  #fd: number;
  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  get fd(): number {
    return this.#fd;
  }

  #use<T>(syscall: string, make: (fd: number) => Doing<T>): Promise<T> {
    if (this.#fd < 0) return Promise.reject(systemError("EBADF", { syscall }));
    return doAsync(make(this.#fd));
  }

  async read(...args: unknown[]): Promise<{ bytesRead: number; buffer: unknown }> {
    const { bytes, buffer, position } = readArguments(args);
    return { bytesRead: await this.#use("read", (fd) => descriptors.readInto(fd, bytes, position)), buffer };
  }

  async write(data: unknown, ...args: unknown[]): Promise<{ bytesWritten: number; buffer: unknown }> {
    const { bytes, position } = writeArguments(data, args);
    const bytesWritten = await this.#use("write", (fd) => descriptors.writeFrom(fd, bytes, position));
    return { bytesWritten, buffer: data };
  }

  async readv(buffers: readonly Uint8Array[], position?: number | null) {
    let bytesRead = 0;
    for (const bytes of buffers) {
      const at = typeof position === "number" ? position + bytesRead : null;
      const count = await this.#use("read", (fd) => descriptors.readInto(fd, bytes, at));
      bytesRead += count;
      if (count < bytes.length) break;
    }
    return { bytesRead, buffers };
  }

  async writev(buffers: readonly Uint8Array[], position?: number | null) {
    let bytesWritten = 0;
    for (const bytes of buffers) {
      const at = typeof position === "number" ? position + bytesWritten : null;
      bytesWritten += await this.#use("write", (fd) => descriptors.writeFrom(fd, bytes, at));
    }
    return { bytesWritten, buffers };
  }

  readFile(options?: unknown): Promise<unknown> {
    return this.#use("read", (fd) => readFile(fd, options));
  }
  async writeFile(data: unknown, options?: unknown): Promise<void> {
    const given = optionsOf<FileOptions>(options);
    if (!isPieces(data)) return await this.#use("write", (fd) => writeFile(fd, data, given));
    for await (const piece of data) await this.#use("write", (fd) => writeFile(fd, piece, given));
  }
  appendFile(data: unknown, options?: unknown): Promise<void> {
    return this.writeFile(data, options);
  }
  stat(options?: { bigint?: boolean }): Promise<unknown> {
    return this.#use("fstat", (fd) => descriptors.fstat(fd, options));
  }
  truncate(length?: number): Promise<void> {
    return this.#use("ftruncate", (fd) => descriptors.ftruncate(fd, length));
  }
  utimes(accessed: unknown, modified: unknown): Promise<void> {
    return this.#use("futime", (fd) => descriptors.futimes(fd, accessed, modified));
  }
  sync(): Promise<void> {
    return this.#use("fsync", descriptors.fsync);
  }
  datasync(): Promise<void> {
    return this.#use("fdatasync", descriptors.fsync);
  }
  async chmod(): Promise<never> {
    throw systemError("EPERM", { syscall: "fchmod" });
  }
  async chown(): Promise<never> {
    throw systemError("EPERM", { syscall: "fchown" });
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    descriptors.close(fd);
    this.emit("close");
  }

  createReadStream(options?: object): unknown {
    return new (streams().ReadStream)(undefined, { ...options, fd: this });
  }
  createWriteStream(options?: object): unknown {
    return new (streams().WriteStream)(undefined, { ...options, fd: this });
  }

  async *readLines(options?: object): AsyncGenerator<string> {
    let rest = "";
    const source = this.createReadStream({ encoding: "utf8", ...options }) as AsyncIterable<string>;
    for await (const piece of source) {
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop() as string;
      yield* lines;
    }
    if (rest !== "") yield rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

type Pieces = AsyncIterable<unknown> | Iterable<unknown>;

/** Whether data is given piece by piece: a stream, a generator, a list. */
const isPieces = (data: unknown): data is Pieces =>
  typeof data === "object" &&
  data !== null &&
  !ArrayBuffer.isView(data) &&
  (Symbol.asyncIterator in data || Symbol.iterator in data);

/** `fs.promises.writeFile` and `appendFile`: those that also take a `FileHandle`, and data piece by piece. */
export const writingFile =
  (usual: string) =>
  async (path: unknown, data: unknown, given?: unknown): Promise<void> => {
    const options = optionsOf<FileOptions>(given);
    if (path instanceof FileHandle) return await path.writeFile(data, options);
    if (!isPieces(data))
      return await doAsync(writeFile(path, data, { ...options, flag: options.flag ?? usual }));
    options.signal?.throwIfAborted();
    const file = await openHandle(path, options.flag ?? usual);
    try {
      await file.writeFile(data, options);
    } finally {
      await file.close();
    }
  };

/** `fs.promises.readFile`, of a `FileHandle` too. */
export const readingFile = async (path: unknown, options?: unknown): Promise<unknown> =>
  path instanceof FileHandle ? path.readFile(options) : doAsync(readFile(path, options));

export async function openHandle(path: unknown, flags?: unknown): Promise<FileHandle> {
  return new FileHandle((await doAsync(descriptors.open(path, flags))).fd);
}

/** `fs.ReadStream` and `fs.WriteStream`. Loaded when a program makes its first one: Node's streams are large. */
import { Buffer } from "node:buffer";
import { Readable, Writable } from "node:stream";
import { doAsync } from "./ask.ts";
import { close, open, readInto, writeFrom } from "./descriptors.ts";
import { outOfRange } from "./errors.ts";
import { placeOf } from "./paths.ts";
import { bytesToWrite, optionsOf } from "./whole.ts";

type Done = (error?: Error | null) => void;

/** A `FileHandle`, as far as streams use it. */
interface HandleLike {
  readonly fd: number;
  close(): Promise<void>;
}

export interface StreamOptions {
  readonly flags?: string;
  readonly encoding?: BufferEncoding;
  readonly fd?: number | HandleLike;
  readonly autoClose?: boolean;
  readonly emitClose?: boolean;
  readonly start?: number;
  readonly end?: number;
  readonly highWaterMark?: number;
  readonly signal?: AbortSignal;
}

const HIGH_WATER_MARK = 64 * 1024;

function check(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(Number.isInteger(value) && value >= 0))
    throw outOfRange(name, ">= 0 && <= 2 ** 53 - 1", value);
  return value;
}

/** What both kinds have of their file. */
interface Source {
  fd: number | null;
  handle: HandleLike | null;
}

const sourceOf = ({ fd }: StreamOptions): Source =>
  typeof fd === "object" && fd !== null ? { fd: fd.fd, handle: fd } : { fd: fd ?? null, handle: null };

interface Opening extends Source {
  readonly path: unknown;
  readonly flags: string;
  emit(event: string, ...args: unknown[]): boolean;
}

function construct(stream: Opening, done: Done): void {
  if (stream.fd !== null) {
    done();
    return;
  }
  doAsync(open(stream.path, stream.flags)).then(({ fd }) => {
    stream.fd = fd;
    done();
    stream.emit("open", fd);
    stream.emit("ready");
  }, done);
}

function destroy(stream: Source & { readonly autoClose: boolean }, error: Error | null, done: Done): void {
  const { fd, handle } = stream;
  stream.fd = null;
  if (fd === null || !stream.autoClose) {
    done(error);
    return;
  }
  if (handle) {
    handle.close().then(
      () => done(error),
      (failure: Error) => done(error ?? failure),
    );
    return;
  }
  try {
    close(fd);
    done(error);
  } catch (failure) {
    done(error ?? (failure as Error));
  }
}

export class ReadStream extends Readable {
  fd: number | null;
  handle: HandleLike | null;
  readonly path: unknown;
  readonly flags: string;
  readonly autoClose: boolean;
  readonly start: number | undefined;
  readonly end: number;
  pos: number | undefined;
  bytesRead = 0;

  constructor(path: unknown, given?: unknown) {
    const options = optionsOf<StreamOptions>(given) as StreamOptions;
    const { highWaterMark = HIGH_WATER_MARK, encoding, emitClose = true, signal } = options;
    super({ highWaterMark, emitClose, ...(encoding ? { encoding } : {}), ...(signal ? { signal } : {}) });
    ({ fd: this.fd, handle: this.handle } = sourceOf(options));
    if (this.fd === null) placeOf(path);
    this.path = path;
    this.flags = options.flags ?? "r";
    this.autoClose = options.autoClose ?? true;
    this.start = check("start", options.start);
    const end = options.end === Number.POSITIVE_INFINITY ? undefined : check("end", options.end);
    this.end = end ?? Number.POSITIVE_INFINITY;
    if (this.start !== undefined && this.start > this.end)
      throw outOfRange("start", `<= "end" (here: ${this.end})`, this.start);
    this.pos = this.start;
  }

  get pending(): boolean {
    return this.fd === null;
  }

  override _construct(done: Done): void {
    construct(this, done);
  }

  override _read(wanted: number): void {
    const left = this.pos === undefined ? this.end - this.bytesRead + 1 : this.end - this.pos + 1;
    const length = Math.min(wanted, left);
    if (length <= 0) {
      this.push(null);
      return;
    }
    const buffer = Buffer.allocUnsafe(length);
    doAsync(readInto(this.fd, buffer, this.pos ?? null)).then(
      (count) => {
        if (count === 0) {
          this.push(null);
          return;
        }
        this.bytesRead += count;
        if (this.pos !== undefined) this.pos += count;
        this.push(buffer.subarray(0, count));
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: Done): void {
    destroy(this, error, done);
  }

  close(done?: Done): void {
    if (done) this.once("close", done);
    this.destroy();
  }
}

export class WriteStream extends Writable {
  fd: number | null;
  handle: HandleLike | null;
  readonly path: unknown;
  readonly flags: string;
  readonly autoClose: boolean;
  readonly start: number | undefined;
  pos: number | undefined;
  bytesWritten = 0;

  constructor(path: unknown, given?: unknown) {
    const options = optionsOf<StreamOptions>(given) as StreamOptions;
    const { highWaterMark = HIGH_WATER_MARK, emitClose = true, encoding, signal } = options;
    super({ highWaterMark, emitClose, ...(signal ? { signal } : {}) });
    ({ fd: this.fd, handle: this.handle } = sourceOf(options));
    if (this.fd === null) placeOf(path);
    this.path = path;
    this.start = check("start", options.start);
    this.flags = options.flags ?? (this.start === undefined ? "w" : "r+");
    this.autoClose = options.autoClose ?? true;
    this.pos = this.start;
    if (encoding) this.setDefaultEncoding(encoding);
  }

  get pending(): boolean {
    return this.fd === null;
  }

  override _construct(done: Done): void {
    construct(this, done);
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    this.#put(bytesToWrite(chunk, encoding), done);
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    this.#put(Buffer.concat(chunks.map(({ chunk, encoding }) => bytesToWrite(chunk, encoding))), done);
  }

  #put(bytes: Uint8Array, done: Done): void {
    doAsync(writeFrom(this.fd, bytes, this.pos ?? null)).then((count) => {
      this.bytesWritten += count;
      if (this.pos !== undefined) this.pos += count;
      if (count < bytes.length) this.#put(bytes.subarray(count), done);
      else done();
    }, done);
  }

  override _destroy(error: Error | null, done: Done): void {
    destroy(this, error, done);
  }

  close(done?: Done): void {
    if (done) {
      if (this.closed) {
        queueMicrotask(() => done());
        return;
      }
      this.once("close", () => done());
    }
    this.end();
  }

  destroySoon(): void {
    this.end();
  }
}

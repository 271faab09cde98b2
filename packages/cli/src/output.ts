import { fstatSync, type Stats, writeSync } from "node:fs";

/**
 * One of the process's two outputs. Writes keep their order and never block on a slow pipe; a reader that closed its
 * end is no error: what is written after that is dropped.
 */
export interface Sink {
  write(data: Uint8Array | string): void;
  /** Resolves when everything written so far has left the process, or nobody reads any more. */
  drained(): Promise<void>;
  /** Bytes that were written and have not left the process, and some for each write. */
  readonly unread: number;
  /** Resolves when no more than so many bytes are unread, or nobody reads any more. */
  fallen(bytes: number): Promise<void>;
  readonly terminal: boolean;
  /** Whether the reader has gone. */
  readonly closed: boolean;
  /** Why a write failed, other than by a reader that has gone: a full disk. */
  readonly failure: Error | null;
}

export interface Output {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Whether both end up in one place: a terminal, or `2>&1`. */
  readonly shared: boolean;
}

interface Code {
  readonly code?: string;
}

/** What a write that waits takes beside its bytes. */
const WRITE_BYTES = 256;

const isGone = (error: unknown): boolean => {
  const { code } = error as Code;
  return code === "EPIPE" || code === "ECONNRESET" || code === "ERR_STREAM_DESTROYED" || code === "EOF";
};

/**
 * A sink over a file descriptor. Files and terminals are written to directly, which saves the milliseconds that
 * loading Node's streams takes; pipes and sockets go through the stream, because a write to a full pipe would block
 * the whole process, Ctrl-C included.
 */
class DescriptorSink implements Sink {
  readonly terminal: boolean;
  closed = false;
  failure: Error | null = null;
  unread = 0;
  readonly #fd: 1 | 2;
  readonly #onClosed: () => void;
  #direct: boolean;
  #listening = false;
  #waiting: { readonly most: number; readonly resolve: () => void }[] = [];

  constructor(fd: 1 | 2, onClosed: () => void) {
    const kind = kindOf(fd);
    this.#fd = fd;
    this.#onClosed = onClosed;
    this.#direct = kind !== "pipe";
    this.terminal = kind === "terminal";
  }

  write(data: Uint8Array | string): void {
    if (this.closed || this.failure || data.length === 0) return;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (this.#direct) this.#writeDirect(bytes);
    else this.#writeStream(bytes);
  }

  drained(): Promise<void> {
    return this.fallen(0);
  }

  fallen(most: number): Promise<void> {
    if (this.unread <= most || this.closed || this.failure) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ most, resolve }));
  }

  #writeDirect(bytes: Uint8Array): void {
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      if ((error as Code).code === "EAGAIN") {
        // Another process made the terminal non-blocking.
        this.#direct = false;
        this.#writeStream(bytes.subarray(at));
      } else this.#fail(error);
    }
  }

  #writeStream(bytes: Uint8Array): void {
    const stream = this.#fd === 1 ? process.stdout : process.stderr;
    if (!this.#listening) {
      this.#listening = true;
      stream.on("error", (error) => this.#fail(error));
    }
    const size = bytes.length + WRITE_BYTES;
    this.unread += size;
    stream.write(bytes, (error) => {
      this.unread -= size;
      if (error) this.#fail(error);
      this.#release();
    });
  }

  #fail(error: unknown): void {
    if (this.closed || this.failure) return;
    if (isGone(error)) {
      this.closed = true;
      this.#onClosed();
    } else this.failure = error instanceof Error ? error : new Error(String(error));
    this.#release();
  }

  #release(): void {
    if (this.#waiting.length === 0) return;
    const over = this.closed || this.failure !== null;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ most }) => !over && this.unread > most);
    for (const { most, resolve } of waiting) if (over || this.unread <= most) resolve();
  }
}

type Kind = "file" | "pipe" | "terminal";

function kindOf(fd: 1 | 2): Kind {
  // On Windows descriptors tell less of themselves, and Node's streams know how to treat each.
  if (process.platform === "win32") return "pipe";
  const stat = statOf(fd);
  if (stat?.isFile()) return "file";
  if (!stat?.isCharacterDevice()) return "pipe";
  return process.getBuiltinModule("node:tty").isatty(fd) ? "terminal" : "file";
}

function statOf(fd: 1 | 2): Stats | null {
  try {
    return fstatSync(fd);
  } catch {
    return null;
  }
}

function sameFile(): boolean {
  const [one, two] = [statOf(1), statOf(2)];
  return one !== null && two !== null && one.ino === two.ino && one.dev === two.dev;
}

/** The process's outputs; `onClosed` is called once when stdout's reader goes away. */
export function openOutput(onClosed: () => void): Output {
  return {
    stdout: new DescriptorSink(1, onClosed),
    stderr: new DescriptorSink(2, () => {}),
    shared: sameFile(),
  };
}

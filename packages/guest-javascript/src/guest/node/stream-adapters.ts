/** `fromWeb` and `toWeb` of `node:stream`, which its npm package leaves to Node: between Node's streams and web streams. */
import { Buffer } from "node:buffer";
import type {
  Duplex,
  DuplexOptions,
  Readable,
  ReadableOptions,
  Stream,
  Writable,
  WritableOptions,
} from "node:stream";
import { wrongType } from "./fs/errors.ts";

type Classes = Pick<typeof Stream, "Duplex" | "Readable" | "Writable" | "finished">;
type Done = (error?: Error | null) => void;
type Reader = ReadableStreamDefaultReader<unknown>;
type Writer = WritableStreamDefaultWriter<unknown>;

interface ToWebOptions {
  readonly strategy?: QueuingStrategy<unknown>;
}

interface Pair {
  readonly readable: ReadableStream<unknown>;
  readonly writable: WritableStream<unknown>;
}

/** What reading from a web stream means for one of Node's. */
function reading(reader: Reader) {
  let isOver = false;
  return {
    read(this: Readable): void {
      reader.read().then(
        ({ done, value }) => {
          isOver ||= done;
          this.push(done ? null : value);
        },
        (error) => this.destroy(error),
      );
    },
    leave: (error: unknown): Promise<void> => (isOver ? Promise.resolve() : reader.cancel(error)),
  };
}

/** What writing to a web stream means for one of Node's. */
function writing(writer: Writer) {
  let isOver = false;
  return {
    write(chunk: unknown, _encoding: string, done: Done): void {
      writer.ready.then(() => writer.write(chunk)).then(() => done(), done);
    },
    final(done: Done): void {
      isOver = true;
      writer.close().then(() => done(), done);
    },
    leave(error: unknown): Promise<void> {
      if (isOver) return Promise.resolve();
      isOver = true;
      return error ? writer.abort(error) : writer.close();
    },
  };
}

/** For `destroy`: what the web stream makes of being left is nobody's business any more. */
const leaving =
  (...leave: ((error: unknown) => Promise<void>)[]) =>
  (error: Error | null, done: Done): void => {
    const over = (): void => done(error);
    Promise.all(leave.map((one) => one(error))).then(over, over);
  };

const isPlain = (stream: Readable | Writable): boolean =>
  !("readableObjectMode" in stream ? stream.readableObjectMode : stream.writableObjectMode);

/** Counts bytes, of texts characters, as Node's streams do; what is in object mode by the piece. */
function strategyFor(highWaterMark: number, plain: boolean): QueuingStrategy<unknown> {
  const size = (chunk: unknown): number => {
    const { byteLength, length } = chunk as { byteLength?: number; length?: number };
    return byteLength ?? length ?? 1;
  };
  return plain ? { highWaterMark, size } : { highWaterMark };
}

/** Gives Node's classes their functions. Web streams are looked for when one is called: they are a part of their own. */
export function addAdapters({ Duplex, Readable, Writable, finished }: Classes): void {
  const isA = (name: "ReadableStream" | "WritableStream", given: unknown): boolean =>
    given instanceof globalThis[name];

  function readableFromWeb(from: ReadableStream<unknown>, options: ReadableOptions = {}): Readable {
    if (!isA("ReadableStream", from))
      throw wrongType("readableStream", "an instance of ReadableStream", from);
    const { read, leave } = reading(from.getReader());
    return new Readable({ ...options, read, destroy: leaving(leave) });
  }

  function writableFromWeb(to: WritableStream<unknown>, options: WritableOptions = {}): Writable {
    if (!isA("WritableStream", to)) throw wrongType("writableStream", "an instance of WritableStream", to);
    const writer = to.getWriter();
    const { write, final, leave } = writing(writer);
    const stream = new Writable({ ...options, write, final, destroy: leaving(leave) });
    writer.closed.catch((error) => stream.destroy(error));
    return stream;
  }

  function duplexFromWeb(pair: Pair, options: DuplexOptions = {}): Duplex {
    if (!isA("ReadableStream", pair?.readable))
      throw wrongType("pair.readable", "an instance of ReadableStream", pair?.readable);
    if (!isA("WritableStream", pair.writable))
      throw wrongType("pair.writable", "an instance of WritableStream", pair.writable);
    const from = reading(pair.readable.getReader());
    const writer = pair.writable.getWriter();
    const to = writing(writer);
    const { write, final } = to;
    const stream = new Duplex({
      ...options,
      ...{ read: from.read, write, final, destroy: leaving(from.leave, to.leave) },
    });
    writer.closed.catch((error) => stream.destroy(error));
    return stream;
  }

  function readableToWeb(from: Readable, options: ToWebOptions = {}): ReadableStream<unknown> {
    if (typeof (from as { read?: unknown } | null)?.read !== "function")
      throw wrongType("streamReadable", "an stream.Readable", from);
    const plain = isPlain(from);
    let isOver = false;
    const start = (controller: ReadableStreamDefaultController<unknown>): void => {
      finished(from, { writable: false }, (error) => {
        if (isOver) return;
        isOver = true;
        if (error) controller.error(error);
        else controller.close();
      });
      from.on("data", (chunk: unknown) => {
        controller.enqueue(plain && Buffer.isBuffer(chunk) ? new Uint8Array(chunk) : chunk);
        if ((controller.desiredSize ?? 0) <= 0) from.pause();
      });
      from.pause();
    };
    const cancel = (reason: Error): void => {
      isOver = true;
      from.destroy(reason);
    };
    const { strategy = strategyFor(from.readableHighWaterMark, plain) } = options;
    return new ReadableStream({ start, pull: () => void from.resume(), cancel }, strategy);
  }

  function writableToWeb(to: Writable): WritableStream<unknown> {
    if (typeof (to as { write?: unknown } | null)?.write !== "function")
      throw wrongType("streamWritable", "an stream.Writable", to);
    let isOver = false;
    /** What waits for the stream to take more, or to end. */
    let waiting: { ok: () => void; no: (error: unknown) => void } | null = null;
    const wait = (): Promise<void> => new Promise((ok, no) => (waiting = { ok, no }));
    const sink: UnderlyingSink<unknown> = {
      start(controller) {
        finished(to, { readable: false }, (error) => {
          if (error) {
            waiting?.no(error);
            if (!isOver) controller.error(error);
          } else if (isOver) waiting?.ok();
          else controller.error(new Error("The stream was ended by its other user"));
          isOver = true;
        });
        to.on("drain", () => waiting?.ok());
      },
      async write(chunk) {
        if (to.writableNeedDrain) await wait();
        if (!to.write(chunk)) await wait();
      },
      close() {
        isOver = true;
        const over = wait();
        to.end();
        return over;
      },
      abort(reason) {
        isOver = true;
        to.destroy(reason);
      },
    };
    return new WritableStream(sink, strategyFor(to.writableHighWaterMark, isPlain(to)));
  }

  Object.assign(Readable, { fromWeb: readableFromWeb, toWeb: readableToWeb });
  Object.assign(Writable, { fromWeb: writableFromWeb, toWeb: writableToWeb });
  Object.assign(Duplex, {
    fromWeb: duplexFromWeb,
    toWeb: (duplex: Duplex): Pair => ({ readable: readableToWeb(duplex), writable: writableToWeb(duplex) }),
  });
}

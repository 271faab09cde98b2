/** `TextDecoderStream` and `TextEncoderStream`: https://encoding.spec.whatwg.org/#interface-textdecoderstream. */
import type { Kit } from "../library.ts";
import { standardise } from "./show.ts";
import type { StreamsPart } from "./streams.ts";

let streams: StreamsPart;

class TextDecoderStream {
  readonly #decoder: TextDecoder;
  readonly #stream: TransformStream<BufferSource, string>;

  constructor(label = "utf-8", options: TextDecoderOptions = {}) {
    const decoder = new TextDecoder(label, options);
    this.#decoder = decoder;
    this.#stream = new streams.TransformStream({
      transform(chunk: BufferSource, controller: TransformStreamDefaultController<string>) {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller: TransformStreamDefaultController<string>) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
  }
  get encoding(): string {
    return this.#decoder.encoding;
  }
  get fatal(): boolean {
    return this.#decoder.fatal;
  }
  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM;
  }
  get readable(): ReadableStream<string> {
    return this.#stream.readable;
  }
  get writable(): WritableStream<BufferSource> {
    return this.#stream.writable;
  }
}

class TextEncoderStream {
  readonly #stream: TransformStream<string, Uint8Array>;

  constructor() {
    const encoder = new TextEncoder();
    /** Half of a character that the last chunk ended with. */
    let half = "";
    this.#stream = new streams.TransformStream({
      transform(chunk: unknown, controller: TransformStreamDefaultController<Uint8Array>) {
        const text = half + String(chunk);
        half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
        const whole = text.slice(0, text.length - half.length);
        if (whole !== "") controller.enqueue(encoder.encode(whole));
      },
      flush(controller: TransformStreamDefaultController<Uint8Array>) {
        if (half !== "") controller.enqueue(encoder.encode(half));
      },
    });
  }
  get encoding(): string {
    return "utf-8";
  }
  get readable(): ReadableStream<Uint8Array> {
    return this.#stream.readable;
  }
  get writable(): WritableStream<string> {
    return this.#stream.writable;
  }
}

standardise(TextDecoderStream, "TextDecoderStream");
standardise(TextEncoderStream, "TextEncoderStream");

export function make({ loadPart }: Kit): unknown {
  streams = loadPart("streams") as StreamsPart;
  return { TextDecoderStream, TextEncoderStream };
}

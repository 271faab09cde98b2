const NEWLINE = 10;
const FIRST_BYTES = 64 * 1024;

/** A line of the client, without its end; `bytes` is null for one that is too long. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly bytes: Uint8Array | null;
}

/** The beginning of a line whose end has not come: one buffer that doubles, however small the pieces are. */
class Beginning {
  readonly #most: number;
  #buffer = new Uint8Array(0);
  length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Beyond `most` bytes they are only counted. */
  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#most) this.#buffer = new Uint8Array(0);
    else {
      if (length > this.#buffer.length) this.#grow(length);
      this.#buffer.set(piece, this.length);
    }
    this.length = length;
  }

  /** The line that ends with this piece; null if it is too long. */
  end(piece: Uint8Array): Uint8Array | null {
    if (this.length === 0) return piece.length > this.#most ? null : piece;
    this.add(piece);
    const line = this.length > this.#most ? null : this.#buffer.subarray(0, this.length);
    this.#buffer = new Uint8Array(0);
    this.length = 0;
    return line;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(FIRST_BYTES, needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.length));
    this.#buffer = grown;
  }
}

/**
 * The lines of a stream of bytes. What has more than `most` bytes is skipped to its end, so that it takes no memory.
 * What stands behind the last line's end is no line: whoever wrote it was cut off.
 */
export async function* readLines(pieces: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Line> {
  const beginning = new Beginning(most);
  let number = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      const bytes = beginning.end(piece.subarray(from, end));
      from = end + 1;
      number++;
      yield { number, bytes };
    }
    if (from < piece.length) beginning.add(piece.subarray(from));
  }
}

import { LIMITS } from "./limits.ts";
import type { LoadOutput } from "./manifest.ts";
import { grouped } from "./numbers.ts";

const NOTICE = `capsule: the program's top-level code printed more than ${grouped(LIMITS.loadOutputBytes)} bytes; the rest is dropped\n`;

/** What a program does while it is loaded for its snapshot. */
export class LoadRecord {
  /** What it asked for that differs between attempts. */
  readonly reasons = new Set<string>();
  readonly output: LoadOutput[] = [];
  #bytes = 0;
  #full = false;

  /** Keeps what was printed, up to `LIMITS.loadOutputBytes`, and then a notice. */
  print(stream: 1 | 2, bytes: Uint8Array): void {
    if (this.#full || bytes.length === 0) return;
    this.#bytes += bytes.length;
    if (this.#bytes > LIMITS.loadOutputBytes) {
      this.#full = true;
      this.output.push({ stream: 2, text: NOTICE });
      return;
    }
    const text = Buffer.from(bytes).toString();
    const last = this.output.at(-1);
    if (last?.stream === stream) this.output[this.output.length - 1] = { stream, text: last.text + text };
    else this.output.push({ stream, text });
  }
}

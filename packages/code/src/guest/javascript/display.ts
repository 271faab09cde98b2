/** `display(…)`: rich output, bounded in number and size. */
import { Buffer } from "node:buffer";
import { inspect } from "node:util";

/** The host's, of one piece. */
export interface Limits {
  readonly outputs: number;
  /** Characters of all of them. */
  readonly outputBytes: number;
  readonly valueCharacters: number;
  readonly valueBytes: number;
}

/** As `RichOutput` of `src/api.ts`. */
export interface RichOutput {
  readonly type: string;
  readonly data: string;
}

/** What one piece has shown. */
export interface Shown {
  readonly outputs: RichOutput[];
  dropped: number;
  left: number;
  readonly most: number;
}

let now: Shown | null = null;

/** From here on a piece shows: what is shown is noted in what this gives, up to the limits. */
export function begin({ outputs, outputBytes }: Limits): Shown {
  now = { outputs: [], dropped: 0, left: outputBytes, most: outputs };
  return now;
}

/**
 * Shows values: an object whose keys are MIME types, such as `{ "text/html": "<b>x</b>" }`, as what it says, bytes as
 * base64; everything else as text.
 */
export function display(...values: unknown[]): void {
  for (const value of values)
    if (isBundle(value)) for (const [type, data] of Object.entries(value)) add(type, textOf(data));
    else add("text/plain", typeof value === "string" ? value : inspect(value));
}

function add(type: string, data: string | undefined): void {
  if (now === null || data === undefined) return;
  if (now.outputs.length >= now.most || data.length > now.left) {
    now.dropped++;
    return;
  }
  now.left -= data.length;
  now.outputs.push({ type: type.slice(0, 200), data });
}

const isBundle = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).length > 0 &&
  Object.keys(value).every((key) => /^[a-z]+\/[^\s/]+$/.test(key));

function textOf(data: unknown): string | undefined {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data).toString("base64");
  if (ArrayBuffer.isView(data))
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return JSON.stringify(data);
}

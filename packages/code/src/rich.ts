import { LIMITS } from "@capsule-run/protocol";
import type { RichOutput } from "./api.ts";

/** Outputs of an answer that are what they say they are, and how many are not. */
export interface RichOutputs {
  readonly outputs: readonly RichOutput[];
  readonly dropped: number;
}

const MIME_TYPE = /^[a-z0-9][\w!#$&^.+-]*\/[\w!#$&^.+-]+(?:;[\w!#$&^.+="' -]+)*$/i;
/** What is base64: images but SVG, and PDF. */
const BINARY = /^(?:image\/(?!svg\+xml)|application\/pdf)/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Null: it is no list of outputs, or has more than any program of ours gives. */
export function readOutputs(value: unknown): RichOutputs | null {
  if (!Array.isArray(value) || value.length > LIMITS.richOutputs) return null;
  let bytes = 0;
  const outputs: RichOutput[] = [];
  for (const each of value) {
    const { type, data } = (each ?? {}) as Record<string, unknown>;
    if (typeof type !== "string" || type.length > 200 || typeof data !== "string") return null;
    bytes += data.length;
    if (bytes > LIMITS.richOutputBytes) return null;
    const content = contentOf(type, data);
    if (content !== null) outputs.push({ type, data: content });
  }
  return { outputs, dropped: value.length - outputs.length };
}

/** Null: it is not what the type says. Base64 may be in lines, as Python's `base64.encodebytes` gives it. */
function contentOf(type: string, data: string): string | null {
  if (!MIME_TYPE.test(type)) return null;
  if (!BINARY.test(type)) return data.toWellFormed();
  const text = data.includes("\n") ? data.replaceAll(/\r?\n/g, "") : data;
  return text.length % 4 === 0 && BASE64.test(text) ? text : null;
}

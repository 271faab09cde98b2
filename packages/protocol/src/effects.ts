/**
 * What a sandbox may ask of the world: files, HTTP, and functions of the host. Each is a name, a head (JSON) and a payload (bytes), and so is its
 * answer. What a cell sends is hostile: the host checks every head before it does anything.
 */
import { LIMITS } from "./limits.ts";
import type { ToolFailure } from "./tools.ts";

/**
 * Heads of requests, by name. Paths are the guest's: absolute, with `/`, mounts included. A `handle` is a number the host
 * gave, a file's or an HTTP exchange's; each is good in its own attempt only. Nothing here is trusted to be what it says.
 */
export interface EffectRequests {
  /** Opens a file or a folder. Reading a small file needs no more than this: see the answer's payload. */
  readonly "file.open": {
    readonly path: string;
    readonly read: boolean;
    readonly write: boolean;
    readonly append: boolean;
    readonly create: boolean;
    /** With `create`: fails if there is one. */
    readonly exclusive: boolean;
    readonly truncate: boolean;
    /** Only a folder will do. */
    readonly directory: boolean;
    /** Whether a symlink at the end of the path is followed. */
    readonly follow: boolean;
  };
  /** Reads up to `length` bytes at `at`. */
  readonly "file.read": { readonly handle: number; readonly at: number; readonly length: number };
  /** Writes the payload at `at`; null: at the end. */
  readonly "file.write": { readonly handle: number; readonly at: number | null };
  /** Closes a handle. Posted: nobody waits for it. */
  readonly "file.close": { readonly handle: number };
  readonly "file.stat": { readonly path: string; readonly follow: boolean } | { readonly handle: number };
  /** Lists a folder, sorted by nothing. */
  readonly "file.list": { readonly path: string } | { readonly handle: number };
  readonly "file.mkdir": { readonly path: string };
  /** Removes what is not a folder. */
  readonly "file.unlink": { readonly path: string };
  /** Removes an empty folder. */
  readonly "file.rmdir": { readonly path: string };
  readonly "file.rename": { readonly from: string; readonly to: string };
  readonly "file.truncate": ({ readonly path: string } | { readonly handle: number }) & {
    readonly size: number;
  };
  /** Nanoseconds since 1970 as digits; null: unchanged. */
  readonly "file.times": (
    | { readonly path: string; readonly follow: boolean }
    | { readonly handle: number }
  ) & {
    readonly accessed: string | null;
    readonly modified: string | null;
  };
  readonly "file.sync": { readonly handle: number };
  readonly "file.readlink": { readonly path: string };

  /** Sends a request; with `body` `"stream"` the payload is empty and follows by `http.write`. */
  readonly "http.request": {
    readonly method: string;
    readonly url: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly redirect: "follow" | "manual" | "error";
    readonly body: "none" | "whole" | "stream";
    /** Milliseconds until the response's head must be there, and between pieces of its body; null: the host's own limit. */
    readonly timeoutMs: number | null;
  };
  /** A piece of a streamed body. */
  readonly "http.write": { readonly handle: number };
  /** The streamed body is complete. */
  readonly "http.end": { readonly handle: number };
  /** Waits for the head of the response of a request with a streamed body. */
  readonly "http.response": { readonly handle: number };
  /** The next piece of the response's body. */
  readonly "http.read": { readonly handle: number };
  /** Gives the exchange up. Posted: nobody waits for it. */
  readonly "http.cancel": { readonly handle: number };

  /**
   * Calls a tool of the host: see `ToolCall`. Payload: JSON text of an array, the arguments by place, of `positional`
   * bytes; behind it, if any are given by name, JSON text of an object.
   */
  readonly "tool.call": { readonly name: string; readonly positional: number };
}

export type EffectName = keyof EffectRequests;

/** What a file is. Times are nanoseconds since 1970 as digits, `inode` and `device` are digits too. */
export interface FileStat {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly inode: string;
  readonly device: string;
  readonly links: number;
  readonly accessed: string;
  readonly modified: string;
  readonly changed: string;
  /** Whether the guest may write to it. */
  readonly writable: boolean;
}

/** The head of an HTTP response. */
export interface HttpResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Of the last request, if redirects were followed; without a fragment. */
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** For `http.read` and `http.cancel`; null if the payload is the whole body. */
  readonly handle: number | null;
}

/** Heads of answers, by name. */
export interface EffectAnswers {
  /** Payload: the whole file, where it was opened for reading only and holds at most `LIMITS.filePrefetchBytes`; `whole` says so. */
  readonly "file.open": { readonly handle: number; readonly stat: FileStat; readonly whole: boolean };
  /** Payload: the bytes; fewer than asked for only at the file's end. */
  readonly "file.read": Readonly<Record<string, never>>;
  /** `at`: where the bytes were written; `size`: of the file afterwards. */
  readonly "file.write": { readonly at: number; readonly written: number; readonly size: number };
  readonly "file.close": Readonly<Record<string, never>>;
  readonly "file.stat": FileStat;
  /** Payload: a JSON list of `[name, kind, inode]`, without `.` and `..`; `"0"` for an inode that the host was not told. */
  readonly "file.list": { readonly count: number };
  readonly "file.mkdir": Readonly<Record<string, never>>;
  readonly "file.unlink": Readonly<Record<string, never>>;
  readonly "file.rmdir": Readonly<Record<string, never>>;
  readonly "file.rename": Readonly<Record<string, never>>;
  readonly "file.truncate": Readonly<Record<string, never>>;
  readonly "file.times": Readonly<Record<string, never>>;
  readonly "file.sync": Readonly<Record<string, never>>;
  readonly "file.readlink": { readonly target: string };

  /** With a streamed body `{ handle }` at once, for `http.write`, `http.end` and `http.response`. Payload: the first piece of the body. */
  readonly "http.request": HttpResponseHead | { readonly handle: number };
  readonly "http.write": Readonly<Record<string, never>>;
  readonly "http.end": Readonly<Record<string, never>>;
  readonly "http.response": HttpResponseHead;
  /** Payload: the piece, not empty unless `done`. */
  readonly "http.read": { readonly done: boolean };
  readonly "http.cancel": Readonly<Record<string, never>>;
  /** Payload: JSON text of what the tool gave; empty if it failed, and `threw` says how. */
  readonly "tool.call": { readonly threw: ToolFailure | null };
}

/**
 * Why an effect failed. Of files: errno names (`ENOENT`, `EACCES`, `EROFS`, `EBADF`, …). Of HTTP: `EFORBIDDEN` (not in
 * `allowedHosts`, or an address that may not be reached), `EINVAL` (a malformed URL, header or method), `EDNS`,
 * `ECONNREFUSED`, `ECONNRESET`, `ETLS`, `ETIMEDOUT`, `EREDIRECT`, `ELIMIT` (a limit; the message names it), `EABORTED`.
 * Of tools, where no tool has answered: see `TOOL_REFUSALS`.
 */
export interface EffectFailure {
  readonly code: string;
  /** For the guest: in its own words and paths, never the host's. */
  readonly message: string;
}

export type EffectAnswer =
  | { readonly ok: true; readonly head: object; readonly payload: Uint8Array }
  | ({ readonly ok: false } & EffectFailure);

/** Thrown by what performs effects on the host. */
export class EffectError extends Error {
  override readonly name = "EffectError";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Who waits for an effect: the whole sandbox, one of its promises, or nobody. */
export type EffectMode = "sync" | "async" | "post";

export const EFFECT_MODES = ["sync", "async", "post"] as const satisfies readonly EffectMode[];

/** Those that nobody waits for; they can be asked for in no other way. */
export const POSTED: readonly EffectName[] = ["file.close", "http.cancel"];

export const EFFECT_NAMES = [
  ...[
    "file.open",
    "file.read",
    "file.write",
    "file.close",
    "file.stat",
    "file.list",
    "file.mkdir",
    "file.unlink",
  ],
  ...["file.rmdir", "file.rename", "file.truncate", "file.times", "file.sync", "file.readlink"],
  ...["http.request", "http.write", "http.end", "http.response", "http.read", "http.cancel"],
  "tool.call",
] as readonly EffectName[];

const HEADER = 4;
const NOTHING = new Uint8Array(0);
// The prelude of a sandbox takes the tables above, and has no encoders.
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true });

const join = (head: object, payload: Uint8Array): Uint8Array =>
  joinEffect(encoder.encode(JSON.stringify(head)), payload);

/** `u32 length of head, little endian · head (UTF-8 JSON) · payload`. */
export function joinEffect(text: Uint8Array, payload: Uint8Array): Uint8Array {
  const body = new Uint8Array(HEADER + text.length + payload.length);
  new DataView(body.buffer).setUint32(0, text.length, true);
  body.set(text, HEADER);
  body.set(payload, HEADER + text.length);
  return body;
}

/** A request's head and payload as they cross; the guests have the same in their languages. */
export const encodeEffect = (head: object, payload: Uint8Array = NOTHING): Uint8Array => join(head, payload);

/**
 * A request as it came from a cell; null if it is none. The head is an object, and nothing more is known of it.
 * The payload is a view of `body`.
 */
export function decodeEffect(
  body: Uint8Array,
): { readonly head: Readonly<Record<string, unknown>>; readonly payload: Uint8Array } | null {
  const parts = splitEffect(body);
  if (!parts || parts.head.length > LIMITS.effectHeadBytes) return null;
  try {
    const head: unknown = JSON.parse(decoder.decode(parts.head));
    if (typeof head !== "object" || head === null || Array.isArray(head)) return null;
    return { head: head as Readonly<Record<string, unknown>>, payload: parts.payload };
  } catch {
    return null;
  }
}

/** The two parts of a request or an answer as it crosses, both views of it; null if it is neither. */
export function splitEffect(
  body: Uint8Array,
): { readonly head: Uint8Array; readonly payload: Uint8Array } | null {
  if (body.length < HEADER) return null;
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  if (HEADER + length > body.length) return null;
  return { head: body.subarray(HEADER, HEADER + length), payload: body.subarray(HEADER + length) };
}

/** An answer as it crosses: the head has `ok`, and on failure `code` and `message`. */
export const encodeAnswer = (answer: EffectAnswer): Uint8Array =>
  answer.ok
    ? join({ ok: true, ...answer.head }, answer.payload)
    : join({ ok: false, code: answer.code, message: answer.message }, NOTHING);

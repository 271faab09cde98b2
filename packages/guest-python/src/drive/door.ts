import {
  EFFECT_NAMES,
  type EffectMode,
  type EffectName,
  type GuestEvent,
  POSTED,
} from "@capsule-run/protocol";
import { ASKED, WHO } from "../door.ts";

export type Who = (typeof WHO)[number];
export type Word = Who | keyof typeof ASKED;

/** What an instance offers to the guest's `_host.call`. Nothing here throws into the guest. */
export interface DoorHost {
  /** Starts a task; null: not now, while the program is only loaded. */
  call(mode: "sync" | "async", task: string, args: Uint8Array): number | null;
  /** Asks for a file or an HTTP exchange; null: not now. */
  effect(mode: EffectMode, name: EffectName, request: Uint8Array): number | null;
  /** The envelope of a sync call, or the answer to a sync effect; null when the guest has been ended. */
  wait(id: number): Promise<Uint8Array | null>;
  /** What came for a guest that rests; null when it has been ended. */
  rest(wake: number | null, pending: number): Promise<GuestEvent | null>;
  revoke(id: number): void;
  /** A word of the prelude's while a program is loaded. */
  hear(word: Word): void;
}

/** The answer to a request; null: refused, which the guest sees as an OSError. */
type Answer = Uint8Array | null;

const NOTHING = new Uint8Array(0);
const MOST_WORD = 200;
// A list, because what is heard is kept: a program could fill the cell's memory with words of its own.
const WORDS: readonly Word[] = [...WHO, ...(Object.keys(ASKED) as (keyof typeof ASKED)[])];
/** The last millisecond that a `Date` can hold. */
const MOST_DATE = 8.64e15;

/** The operations by their first byte: see the table in `door.ts` of this package. */
const OPERATIONS: Readonly<
  Record<string, (host: DoorHost, payload: Uint8Array) => Answer | Promise<Answer>>
> = {
  c(host, payload) {
    const request = taskCall(payload);
    const id = request && host.call("async", request.task, request.args);
    return id === null ? null : Buffer.from(String(id));
  },
  w(host, payload) {
    const request = taskCall(payload);
    const id = request && host.call("sync", request.task, request.args);
    return id === null ? null : host.wait(id);
  },
  h(host, payload) {
    const id = effect(host, "sync", payload);
    return id === null ? null : host.wait(id);
  },
  i(host, payload) {
    const id = effect(host, "async", payload);
    return id === null ? null : Buffer.from(String(id));
  },
  p: (host, payload) => (effect(host, "post", payload) === null ? null : NOTHING),
  async r(host, payload) {
    const [wake = "", pending = ""] = Buffer.from(payload.subarray(0, 64)).toString().split(",");
    const [at, calls] = [Number(wake), Number(pending)];
    if (!(at >= 0 && at <= MOST_DATE && Number.isSafeInteger(calls) && calls >= 0)) return null;
    const event = await host.rest(wake === "" ? null : at, calls);
    if (event === null) return null;
    if (event.type === "wake") return Buffer.from("W");
    return Buffer.concat([Buffer.from(`C${event.call}\0`), event.envelope]);
  },
  x(host, payload) {
    const id = Number(Buffer.from(payload.subarray(0, 20)).toString());
    if (!Number.isSafeInteger(id) || id < 1) return null;
    host.revoke(id);
    return NOTHING;
  },
  "?"(host, payload) {
    const said = Buffer.from(payload.subarray(0, MOST_WORD)).toString();
    const word = WORDS.find((each) => each === said);
    if (word === undefined) return null;
    host.hear(word);
    return NOTHING;
  },
};

/** Does what the guest asks. Its bytes are copied: they are nobody else's. */
export function answer(host: DoorHost, request: Uint8Array): Answer | Promise<Answer> {
  const op = String.fromCharCode(request[0] ?? 0);
  return Object.hasOwn(OPERATIONS, op) ? (OPERATIONS[op]?.(host, request.subarray(1)) ?? null) : null;
}

/** Asks for the effect that a payload names before its NUL. */
function effect(host: DoorHost, mode: EffectMode, payload: Uint8Array): number | null {
  const end = payload.subarray(0, MOST_WORD).indexOf(0);
  const name = Buffer.from(payload.subarray(0, Math.max(0, end))).toString();
  const known = EFFECT_NAMES.find((each) => each === name);
  if (!known || POSTED.includes(known) !== (mode === "post")) return null;
  return host.effect(mode, known, payload.subarray(end + 1));
}

function taskCall(payload: Uint8Array): { readonly task: string; readonly args: Uint8Array } | null {
  const end = payload.indexOf(0);
  if (end < 1 || end > MOST_WORD * 4) return null;
  return { task: Buffer.from(payload.subarray(0, end)).toString(), args: payload.subarray(end + 1) };
}

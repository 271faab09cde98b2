/**
 * Files and HTTP: what the sandbox asks of the world. See `EffectRequests` for names, heads and payloads. A program
 * never gets at these functions: parts of the library do, by their `Kit`.
 */
import {
  EFFECT_NAMES,
  type EffectAnswers,
  type EffectName,
  type EffectRequests,
  LIMITS,
  POSTED,
} from "@capsule-run/protocol";
import { countEffect } from "./calls.ts";
import { isLoadingProgram } from "./environment.ts";
import { door } from "./host.ts";
import {
  apply,
  create,
  defineHidden,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  keys,
  parse,
  quote,
  SafeError,
  SafePromise,
  SafeTypeError,
  stringify,
} from "./primordials.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** What an effect gave. */
export interface Answered<N extends EffectName = EffectName> {
  readonly head: EffectAnswers[N];
  /** Nobody else's: whoever asked may keep or change it. */
  readonly payload: Bytes;
}

/** What is asked for; a string is the same as JSON, for those who make it more cheaply than the engine does. */
export type Head<N extends EffectName> = EffectRequests[N] | string;

/** Why an effect failed: see `EffectFailure`. `code` says what, the message is for the user. */
export interface EffectFailed extends Error {
  readonly code: string;
}

/** An effect that was asked for. */
export interface Asked<N extends EffectName = EffectName> {
  readonly id: number;
  /** Rejects with `EffectFailed`. */
  readonly answer: Promise<Answered<N>>;
}

interface Settlers {
  readonly resolve: (answer: Answered) => void;
  readonly reject: (reason: unknown) => void;
}

const SafeUint8Array = Uint8Array;
const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object;
const getter = <T>(key: string): ((self: unknown) => T) => {
  const get = getOwnPropertyDescriptor(TypedArrayPrototype, key)?.get as () => T;
  return (self) => apply(get, self, []) as T;
};
const bufferOf = getter<ArrayBuffer>("buffer");
const offsetOf = getter<number>("byteOffset");
const lengthOf = getter<number>("byteLength");

const waiting: Record<string, Settlers | undefined> = create(null);

/**
 * Asks for one; others go on meanwhile. Rejects with `EffectFailed`.
 * @param payload copied at once
 * @throws TypeError for a payload that is no typed array or has lost its buffer
 */
export const effect = <N extends EffectName>(
  name: N,
  head: Head<N>,
  payload?: Uint8Array,
): Promise<Answered<N>> => ask(name, head, payload).answer;

/** The same, for one that may have to be given up: see `revoke`. */
export function ask<N extends EffectName>(name: N, head: Head<N>, payload?: Uint8Array): Asked<N> {
  let id = 0;
  const answer = new SafePromise<Answered<N>>((resolve, reject) => {
    if (isLoadingProgram()) {
      resolve(effectSync(name, head, payload));
      return;
    }
    const text = request(name, head, payload);
    id = payload === undefined ? door.effect(name, text) : door.effect(name, text, plainBytes(payload));
    waiting[id] = { resolve: resolve as Settlers["resolve"], reject };
    countEffect(1);
  });
  return { id, answer };
}

/** Gives an effect up; its answer rejects with `EABORTED`. Nothing happens if it has been answered. */
export function revoke({ id }: Asked): void {
  const settlers = waiting[id];
  if (!settlers) return;
  delete waiting[id];
  countEffect(-1);
  door.revoke(id);
  settlers.reject(failure("EABORTED", "it was given up"));
}

/**
 * Asks for one and suspends the sandbox until it is answered.
 * @throws EffectFailed, and TypeError as `effect` does
 */
export function effectSync<N extends EffectName>(name: N, head: Head<N>, payload?: Uint8Array): Answered<N> {
  const text = request(name, head, payload);
  const answer =
    payload === undefined ? door.effectSync(name, text) : door.effectSync(name, text, plainBytes(payload));
  return answered(answer, door.payload() as Bytes) as Answered<N>;
}

/** Asks for one that nobody waits for: `file.close`, `http.cancel`. */
export function post<N extends EffectName>(name: N, head: EffectRequests[N]): void {
  if (!has(POSTED, name)) throw new SafeTypeError(`${name} can't be posted`);
  if (!isLoadingProgram()) door.post(name, stringify(head) as string);
}

/** The host's answer to the effect `id`. An id that nobody waits for is ignored. */
export function answerEffect(id: string, headJson: string, payload: Bytes): void {
  const settlers = waiting[id];
  if (!settlers) return;
  delete waiting[id];
  countEffect(-1);
  try {
    settlers.resolve(answered(headJson, payload));
  } catch (error) {
    settlers.reject(error);
  }
}

/** Fails all effects of an attempt that is over: they will not be answered. */
export function abandonEffects(): void {
  const ids = keys(waiting);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as string;
    const { reject } = waiting[id] as Settlers;
    delete waiting[id];
    countEffect(-1);
    reject(failure("EABORTED", "the run that asked for it has ended"));
  }
}

/** The head as JSON, once all that is asked may be asked. */
function request(name: EffectName, head: object | string, payload: Uint8Array | undefined): string {
  if (!has(EFFECT_NAMES, name) || has(POSTED, name))
    throw new SafeTypeError(`there is no effect ${quote(name)}`);
  const text = typeof head === "string" ? head : (stringify(head) as string);
  if (text.length > LIMITS.effectHeadBytes)
    throw failure(
      "ELIMIT",
      `${text.length} characters of names, more than the ${LIMITS.effectHeadBytes} bytes that are allowed`,
    );
  if (payload !== undefined && lengthOf(payload) > LIMITS.effectBytes)
    throw failure(
      "ELIMIT",
      `${lengthOf(payload)} bytes at once, more than the ${LIMITS.effectBytes} that are allowed`,
    );
  return text;
}

function has(list: readonly string[], name: string): boolean {
  for (let i = 0; i < list.length; i++) if (list[i] === name) return true;
  return false;
}

/** The same bytes as an array that nothing can resize or disguise between here and the host. */
const plainBytes = (view: Uint8Array): Bytes =>
  new SafeUint8Array(bufferOf(view), offsetOf(view), lengthOf(view));

function answered(headJson: string, payload: Bytes): Answered {
  const head = parse(headJson) as Answered["head"] & { ok: boolean; code?: string; message?: string };
  if (!head.ok) throw failure(`${head.code}`, `${head.message}`);
  return { head, payload };
}

/** An `EffectFailed` of our own making. */
export function failure(code: string, message: string): EffectFailed {
  const error = new SafeError(message);
  defineHidden(error, "code", code);
  return error as EffectFailed;
}

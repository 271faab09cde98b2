import {
  EFFECT_NAMES,
  type EffectMode,
  type EffectName,
  joinEffect,
  LIMITS,
  POSTED,
} from "@capsule-run/protocol";
import type { TextEncoding } from "../door.ts";
import type { QuickJs } from "./exports.ts";
import { isSuspect } from "./suspect.ts";
import type { Values } from "./values.ts";

/** What an instance offers to its import object. Nothing here throws into the guest. */
export interface DoorHost {
  js(): QuickJs;
  values(): Values;
  /** Nanoseconds since 1970, by the guest's clock. */
  clock(): bigint;
  /** The guest asked for something that differs between attempts. */
  asked(what: string): void;
  output(stream: 1 | 2, text: Uint8Array): void;
  random(length: number): Uint8Array;
  library(name: string): Uint8Array | null;
  call(mode: "sync" | "async", task: string, args: Uint8Array): number;
  /** The envelope of a sync call; null when the guest has been ended. */
  wait(id: number): Promise<Uint8Array | null>;
  /** Asks for a file or an HTTP exchange; gives its id. */
  effect(mode: EffectMode, name: EffectName, request: Uint8Array): number;
  /** Asks for one and gives the head of its answer; null when the guest has been ended. */
  effectSync(name: EffectName, request: Uint8Array): Promise<Uint8Array | null>;
  /** The payload of the last answer to `effectSync`, once. */
  payload(): Uint8Array;
  /** Gives an async effect up. */
  revoke(id: number): void;
  rejection(promise: number, reason: number, handled: boolean): void;
  /** Ends the guest at its next check: it did what an honest prelude never does, or has no memory for an answer. */
  doom(cause: unknown): void;
}

const NOTHING = new Uint8Array(0);
const SUCCESS = 0;
const BADF = 8;
const FAULT = 21;
const MOST_RANDOM = 65_536;
const LIBRARY_NAME = /^[a-z][a-z-]{0,30}$/;

type Operation = (host: DoorHost, args: readonly number[]) => number | Promise<number>;

/** The door, by name: see `Door` in `door.ts`. Each gives a boxed value. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  call(host, [task, args]) {
    const id = host.call("async", text(host, task), bytes(host, args));
    return host.values().number(id);
  },
  async wait(host, [task, args]) {
    const envelope = await host.wait(host.call("sync", text(host, task), bytes(host, args)));
    return envelope === null ? 0 : host.values().string(envelope);
  },
  stdout: (host, [line]) => print(host, 1, line),
  stderr: (host, [line]) => print(host, 2, line),
  random(host, [length]) {
    host.asked("randomness");
    const count = Math.min(MOST_RANDOM, Math.max(0, Math.trunc(host.values().readNumber(length ?? 0)) || 0));
    return host.values().string(Buffer.from(Buffer.from(host.random(count)).toString("hex")));
  },
  suspect: (host, [json]) => host.values().number(isSuspect(bytes(host, json)) ? 1 : 0),
  effect(host, [name, head, payload]) {
    const effect = effectName(host, name, false);
    return host.values().number(host.effect("async", effect, request(host, head, payload)));
  },
  async effectSync(host, [name, head, payload]) {
    const effect = effectName(host, name, false);
    const answer = await host.effectSync(effect, request(host, head, payload));
    return answer === null ? 0 : host.values().string(answer);
  },
  payload: (host) => host.values().array(host.payload()),
  revoke(host, [id]) {
    host.revoke(host.values().readNumber(id ?? 0));
    return host.values().number(0);
  },
  post(host, [name, head]) {
    host.effect("post", effectName(host, name, true), request(host, head, undefined));
    return host.values().number(0);
  },
  environment(host) {
    host.asked("the environment");
    return host.values().number(0);
  },
  encode(host, [given, encoding]) {
    const utf8 = bytes(host, given);
    const wanted = encodingOf(host, encoding);
    return host.values().array(wanted === "utf8" ? utf8 : Buffer.from(Buffer.from(utf8).toString(), wanted));
  },
  decode(host, [given, encoding]) {
    const array = host.values().readArray(given ?? 0, LIMITS.memoryBytes) ?? NOTHING;
    const decoded = Buffer.from(array.buffer, array.byteOffset, array.length).toString(
      encodingOf(host, encoding),
    );
    return host.values().string(Buffer.from(decoded));
  },
  library(host, [name]) {
    const wanted = text(host, name);
    const source = LIBRARY_NAME.test(wanted) ? host.library(wanted) : null;
    return host.values().string(source ?? NOTHING);
  },
};

/**
 * The complete import object of the engine: the guest's whole attack surface. Pointers are checked against memory, and
 * a failure ends the guest instead of reaching it.
 */
export function doorImports(host: DoorHost): WebAssembly.Imports {
  const hostCall = (name: number, nameLength: number, _self: number, argc: number, argv: number) => {
    try {
      const wanted = Buffer.from(slice(host, name, nameLength)).toString("latin1");
      const operation = Object.hasOwn(OPERATIONS, wanted) && OPERATIONS[wanted];
      if (!operation) throw new RangeError("an unknown host call");
      const result = operation(host, pointers(host, argv, argc));
      return typeof result === "number" ? result : result.catch((cause) => doomed(host, cause));
    } catch (cause) {
      return doomed(host, cause);
    }
  };
  return {
    env: {
      host_call: new WebAssembly.Suspending(hostCall),
      host_promise_rejection: (promise: number, reason: number, handled: number) =>
        host.rejection(promise, reason, handled !== 0),
      host_interrupt: () => 0,
      host_module_normalize: () => 0,
      host_module_load: () => 0,
      /** All sandboxes live in UTC. */
      host_get_timezone_offset: () => 0,
    },
    wasi_snapshot_preview1: {
      clock_time_get(_id: number, _precision: bigint, out: number) {
        const { buffer } = host.js().memory;
        if (out >>> 0 > buffer.byteLength - 8) return FAULT;
        new DataView(buffer).setBigUint64(out >>> 0, host.clock(), true);
        return SUCCESS;
      },
      random_get(out: number, length: number) {
        const memory = new Uint8Array(host.js().memory.buffer);
        if (length >>> 0 > MOST_RANDOM || (out >>> 0) + (length >>> 0) > memory.length) return FAULT;
        host.asked("randomness");
        memory.set(host.random(length >>> 0), out >>> 0);
        return SUCCESS;
      },
      fd_write: () => BADF,
      fd_close: () => BADF,
      fd_seek: () => BADF,
      fd_fdstat_get: () => BADF,
    },
  };
}

function doomed(host: DoorHost, cause: unknown): number {
  host.doom(cause);
  return 0;
}

const ENCODINGS: readonly TextEncoding[] = ["utf8", "latin1", "ascii", "utf16le"];

/** @throws RangeError for an encoding that parts of the library do not ask for */
function encodingOf(host: DoorHost, encoding: number | undefined): TextEncoding {
  const wanted = text(host, encoding) as TextEncoding;
  if (!ENCODINGS.includes(wanted)) throw new RangeError("an unknown encoding");
  return wanted;
}

/** @throws RangeError for a name that the prelude would not have passed on */
function effectName(host: DoorHost, name: number | undefined, posted: boolean): EffectName {
  const wanted = text(host, name) as EffectName;
  if (!EFFECT_NAMES.includes(wanted) || POSTED.includes(wanted) !== posted)
    throw new RangeError("an unknown effect");
  return wanted;
}

/** A request as it crosses; empty, which the host refuses, if it is larger than may be. */
function request(host: DoorHost, head: number | undefined, payload: number | undefined): Uint8Array {
  const body = payload === undefined ? NOTHING : host.values().readArray(payload, LIMITS.effectBytes);
  const text = bytes(host, head);
  return body === null || text.length > LIMITS.effectHeadBytes ? NOTHING : joinEffect(text, body);
}

function print(host: DoorHost, stream: 1 | 2, line: number | undefined): number {
  host.output(stream, bytes(host, line));
  return host.values().number(0);
}

const bytes = (host: DoorHost, value: number | undefined): Uint8Array =>
  value === undefined ? NOTHING : host.values().read(value);

const text = (host: DoorHost, value: number | undefined): string =>
  Buffer.from(bytes(host, value)).toString();

function slice(host: DoorHost, at: number, length: number): Uint8Array {
  const memory = new Uint8Array(host.js().memory.buffer);
  if (length >>> 0 > 64 || (at >>> 0) + (length >>> 0) > memory.length)
    throw new RangeError("a name outside memory");
  return memory.subarray(at >>> 0, (at >>> 0) + (length >>> 0));
}

function pointers(host: DoorHost, at: number, count: number): number[] {
  const { buffer } = host.js().memory;
  if (count <= 0) return [];
  if (count > 8 || (at >>> 0) + count * 4 > buffer.byteLength)
    throw new RangeError("arguments outside memory");
  const view = new DataView(buffer);
  return Array.from({ length: count }, (_, i) => view.getUint32((at >>> 0) + i * 4, true));
}

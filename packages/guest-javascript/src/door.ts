/** How texts become bytes, and bytes texts. */
export type TextEncoding = "utf8" | "latin1" | "ascii" | "utf16le";

/**
 * How the prelude inside the engine and `drive` outside it speak: the whole list. Both directions are strings and
 * numbers; there is no other door.
 *
 * From the guest: host functions of these names, handed to the prelude once and kept in its closures.
 */
export interface Door {
  /** Starts an async task call; gives its id, counted from 1 in each attempt. */
  call(task: string, argsJson: string): number;
  /** A sync task call: suspends the sandbox, gives the envelope's JSON text. */
  wait(task: string, argsJson: string): string;
  stdout(text: string): void;
  stderr(text: string): void;
  /** `length` random bytes (at most 65,536) in hexadecimal. While loading it makes the snapshot `before`. */
  random(length: number): string;
  /**
   * 1 if a JSON text may hide what JSON can't hold (a `null` that may have been a NaN) or is nested deeper than values
   * may be, else 0. Scanning a text inside the engine would cost hundreds of units a character.
   */
  suspect(json: string): number;
  /**
   * Asks for a file or an HTTP exchange (see `EffectRequests`): the head is JSON, the payload a `Uint8Array` or left out.
   * Gives its id, counted with the calls; the answer comes by `answer`. Not while loading: it would give 0, and no answer.
   */
  effect(name: string, head: string, payload?: Uint8Array): number;
  /**
   * The same, suspending the sandbox: gives the answer's head, as JSON. While loading it makes the snapshot `before`, and
   * the answer is a refusal.
   */
  effectSync(name: string, head: string, payload?: Uint8Array): string;
  /** The payload of the last `effectSync`, once. */
  payload(): Uint8Array;
  /** Gives up what `effect` asked for: an answer that comes all the same is for nobody. */
  revoke(id: number): void;
  /** Asks for something that nobody waits for. */
  post(name: string, head: string): void;
  /** A text without lone surrogates as bytes. */
  encode(text: string, encoding: TextEncoding): Uint8Array;
  /** Bytes as a text; what can't be decoded becomes U+FFFD. */
  decode(bytes: Uint8Array, encoding: TextEncoding): string;
  /** The program looked into its environment. While loading it makes the snapshot `before`. */
  environment(): void;
  /** The source text of a part of the standard library that is loaded when first used. */
  library(name: string): string;
}

export const DOOR_NAMES = [
  "call",
  "wait",
  "stdout",
  "stderr",
  "random",
  "suspect",
  "effect",
  "effectSync",
  "payload",
  "revoke",
  "post",
  "environment",
  "encode",
  "decode",
  "library",
] as const satisfies readonly (keyof Door)[];

/**
 * To the guest: the prelude's completion value is one function, `(op, a, b, c) => string`. After each call the host runs
 * all pending jobs, then calls `poll` until it does not answer `T`.
 *
 * | op | a | b | |
 * |---|---|---|---|
 * | `environment` | variables, as a JSON object | `"loading"` or `""` | what `process.env` has from now on; it is empty before, and after a result of `loading` |
 * | `preload` | names of library parts, with commas between | | loads them, so that attempts find them loaded |
 * | `loading` | the promise of the program's evaluation | `"manifest"` or `""` | `"manifest"`: the turn's result is the list of tasks once loaded |
 * | `start` | task name | arguments as a JSON array | runs the task, after loading is over |
 * | `again` | | | before another `start` in the same sandbox: what the last task waited for is given up. Answers `X` if the program was never loaded to its end |
 * | `complete` | call id, in digits | envelope as JSON | settles an async call |
 * | `answer` | effect id, in digits | head as JSON; `c`: payload, a `Uint8Array` | settles an async effect |
 * | `poll` | | | fires at most one timer that is due |
 * | `reject` | the reason | `""` or `"job"` | the first unhandled rejection of the turn; `"job"`: what a job itself threw |
 * | `report` | any value | | answers the description of an exception: an `ErrorReport` as JSON, without a status letter |
 *
 * Every other entry answers a status (see `STATUS`), but only the answer of the last `poll` of a turn counts: jobs may still change it.
 * `start` may come before loading is over; the task then starts as soon as it is. After a result of `loading` with
 * `"manifest"` the sandbox is ready for `start`, in a snapshot too. An entry never throws, unless the engine ends it.
 *
 * What the host classifies, in `E`: a report whose `name` is `RangeError` and `message` is
 * `Maximum call stack size exceeded` is a `stack_overflow`; `InternalError` and `out of memory` is `out_of_memory`.
 * What the host counts: bytes of results and arguments (the guest refuses only what is too long in characters).
 * Places in the program read `capsule:program:LINE:COLUMN`, in a stack in brackets except for syntax errors
 * (`at capsule:program:1:2`), in messages (`first at capsule:program:1:2`) and in printed errors without.
 */
export type EntryOp =
  | "environment"
  | "preload"
  | "loading"
  | "start"
  | "again"
  | "complete"
  | "answer"
  | "poll"
  | "reject"
  | "report";

export { STATUS } from "@capsule-run/protocol";

/** The project root in the guest, and the working directory of an attempt. */
export const PROGRAM_FOLDER = "/app";

/** The file name of the bundled program in guest stacks; frames of other files are ours or the engine's. */
export const PROGRAM_FILE = "capsule:program";
/** The file name of the prelude and of library parts in guest stacks. */
export const PRELUDE_FILE = "capsule:prelude";
/**
 * The line on which the code of library parts begins: the engine writes their frames as `(<input>:10000:1)`, those of a
 * program's own `eval` with lower lines. `error.stack` and reports hold neither these nor the prelude's frames.
 */
export const LIBRARY_LINE = 10_000;

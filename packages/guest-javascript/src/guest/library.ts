/** Parts of the standard library that are loaded when a program first uses them: see `libraries/`. */
import { LIBRARY_LINE, type TextEncoding } from "../door.ts";
import { attempt, fail } from "./attempt.ts";
import { ask, type Bytes, effect, effectSync, failure, post, revoke } from "./effects.ts";
import { environment } from "./environment.ts";
import { framesHere, setFrames } from "./errors.ts";
import { door } from "./host.ts";
import { print } from "./output.ts";
import { create, defineProperty, freeze, repeat } from "./primordials.ts";
import { timers } from "./timers.ts";
import { argumentsJson } from "./values.ts";

/** What a part may use of the prelude. A part is a function from this to its exports. */
export interface Kit {
  readonly fail: (thrown: unknown) => void;
  readonly timers: typeof timers;
  readonly loadPart: (name: string) => unknown;
  readonly effect: typeof effect;
  readonly effectSync: typeof effectSync;
  readonly ask: typeof ask;
  readonly revoke: typeof revoke;
  readonly post: typeof post;
  /** An `EffectFailed` of the part's own. */
  readonly failure: typeof failure;
  readonly environment: typeof environment;
  readonly framesHere: typeof framesHere;
  readonly setFrames: typeof setFrames;
  /** A text as bytes. Lone surrogates have to be gone before. */
  readonly encode: (text: string, encoding: TextEncoding) => Bytes;
  /** Bytes as a text; what can't be decoded becomes U+FFFD. */
  readonly decode: (bytes: Uint8Array, encoding: TextEncoding) => string;
  readonly argumentsJson: typeof argumentsJson;
  /** Whether a task runs: else the program is being loaded. */
  readonly isRunning: () => boolean;
  /** Prints a text as it is. */
  readonly print: (stream: 1 | 2, text: string) => void;
}

let kit: Kit | undefined;

// biome-ignore lint/security/noGlobalEval: the engine has no other way to load code, and the code is ours
const evaluate = globalThis.eval;
const loaded: Record<string, unknown> = create(null);

const loading: Record<string, boolean> = create(null);

const encode = (text: string, encoding: TextEncoding): Bytes => door.encode(text, encoding) as Bytes;

const isRunning = (): boolean => attempt.running !== null;

/** Parts that are being evaluated. */
let depth = 0;

/**
 * Whether a global of the part is not there right now: while the part itself is evaluated, and `Buffer` while any is,
 * for packages that find one take it for a native one and prefer it.
 */
export const isHidden = (part: string): boolean =>
  loading[part] === true || (depth > 0 && part === "node-buffer");

/**
 * The exports of a part. Its code begins on line `LIBRARY_LINE`, where no program's `eval` is: that makes its frames
 * recognisable in a stack, for the engine names no file for evaluated code.
 */
export function loadPart(name: string): unknown {
  if (name in loaded) return loaded[name];
  loading[name] = true;
  depth++;
  try {
    const make = evaluate(repeat("\n", LIBRARY_LINE - 1) + door.library(name)) as (kit: Kit) => unknown;
    kit ??= {
      ...{ fail, timers, loadPart, effect, effectSync, ask, revoke, post, failure, environment, print },
      ...{ encode, decode: door.decode, framesHere, setFrames },
      ...{ argumentsJson, isRunning },
    };
    loaded[name] = make(kit);
    return loaded[name];
  } finally {
    loading[name] = false;
    depth--;
  }
}

/**
 * Makes Node's modules reachable for the bundler's copies of them, and the tools for the guest copy of `@capsule-run/sdk`;
 * for nothing that lists globals.
 */
export function installModules(): void {
  const module = (name: string): unknown => loadPart(`node-${name}`);
  defineProperty(globalThis, Symbol.for("capsule.module"), { value: freeze(module) });
  defineProperty(globalThis, Symbol.for("capsule.tools"), { get: () => loadPart("tools") });
}

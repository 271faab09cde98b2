/** Exceptions as `ErrorReport`s: whatever was thrown, however hostile, ends as one JSON text of bounded size. */
import { type ErrorReport, LIMITS } from "@capsule-run/protocol";
import { LIBRARY_LINE, PRELUDE_FILE } from "../door.ts";
import { isArraySafely, show } from "./definition.ts";
import {
  apply,
  create,
  defineHidden,
  defineProperty,
  getOwnPropertyDescriptor,
  indexOf,
  min,
  quote,
  SafeError,
  SafeNumber,
  slice,
  toText,
  toWellFormed,
} from "./primordials.ts";

/** How the engine begins the place of code that was evaluated. */
const EVALUATED = "(<input>:";
const MOST_CAUSES = 5;
const MOST_ERRORS = 10;
const nativeStack = getOwnPropertyDescriptor(SafeError.prototype, "stack")?.get;

/** What is reported when even describing the exception fails, as it does when memory is used up. */
const OUT_OF_MEMORY = '{"name":"InternalError","message":"out of memory","stack":""}';

/** An `ErrorReport` as JSON. Never throws. */
export function reportJson(thrown: unknown, via?: "unhandled_rejection"): string {
  try {
    // Escapes can make a text six times as long; the host accepts twice `errorCharacters`.
    for (let most = LIMITS.errorCharacters >> 1; ; most >>= 2) {
      const text = encode(describe(thrown, most, 0), via);
      if (text.length <= LIMITS.errorCharacters * 2 || most < 100) return text;
    }
  } catch {
    return OUT_OF_MEMORY;
  }
}

/** Written out by hand: a program may have given `Object.prototype` a `toJSON`. */
function encode(report: ErrorReport, via?: string): string {
  const { name, message, stack, cause } = report;
  return (
    `{"name":${quote(name)},"message":${quote(message)},"stack":${quote(stack)}` +
    (via === undefined ? "" : `,"via":${quote(via)}`) +
    (cause === undefined ? "}" : `,"cause":${encode(cause)}}`)
  );
}

/** Every field is the report's own, `cause` too, so that none is looked up on a prototype. */
function describe(thrown: unknown, most: number, depth: number): ErrorReport {
  if (!isErrorLike(thrown))
    return {
      cause: undefined,
      name: "",
      message: cut(`${show(thrown)} was thrown, which is not an Error`, most),
      stack: "",
    };
  const message = cut(textOf(read(thrown, "message")) + aggregated(thrown), most);
  const report = {
    cause: undefined,
    name: cut(nameOf(thrown), 200),
    message,
    stack: cut(framesOf(thrown), most >> 1),
  };
  const cause = read(thrown, "cause");
  if (cause === undefined || depth >= MOST_CAUSES) return report;
  return { ...report, cause: describe(cause, min(most >> 2, 4096), depth + 1) };
}

/** Anything that has a message and a stack: errors of any realm or library, `DOMException`s. */
function isErrorLike(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (read(value, "name") !== undefined && isErrorObject(value)) return true;
  return typeof read(value, "message") === "string" && typeof read(value, "stack") === "string";
}

function isErrorObject(value: unknown): boolean {
  try {
    return value instanceof SafeError;
  } catch {
    return false;
  }
}

/** A property, undefined where reading it throws. */
function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : show(value);
}

/** `name`, or the class's own name where `name` is only inherited: `class NotFound extends Error {}`. */
function nameOf(error: object): string {
  const name = read(error, "name");
  if (typeof name !== "string" || name === "") return "Error";
  if (name !== "Error") return name;
  const maker = read(error, "constructor");
  const own = typeof maker === "function" ? read(maker, "name") : undefined;
  return typeof own === "string" && own !== "" ? own : name;
}

/** The first few errors of an `AggregateError`, one a line. */
function aggregated(error: object): string {
  const errors = read(error, "errors");
  if (!isErrorObject(error) || !isArraySafely(errors)) return "";
  const count = SafeNumber(read(errors, "length"));
  let text = "";
  for (let i = 0; i < count && i < MOST_ERRORS; i++) {
    const one = read(errors, toText(i));
    const line = isErrorLike(one) ? `${nameOf(one)}: ${textOf(read(one, "message"))}` : show(one);
    text += `\n  [${i + 1}] ${cut(line, 500)}`;
  }
  return count > MOST_ERRORS ? `${text}\n  … ${count - MOST_ERRORS} more` : text;
}

/** The stack's frames without the header that `stack` begins with. */
function framesOf(error: object): string {
  const stack = read(error, "stack");
  if (typeof stack !== "string") return "";
  const first = startsWith(stack, "    at ") ? 0 : indexOf(stack, "\n    at ") + 1;
  return first === 0 && !startsWith(stack, "    at ") ? "" : slice(stack, first);
}

const startsWith = (text: string, start: string): boolean => slice(text, 0, start.length) === start;

/** At most `most` characters, saying how many are missing. */
export function cut(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${toWellFormed(slice(text, 0, most))}… (${text.length - most} more characters)`;
}

/**
 * Makes `error.stack` what programs and libraries written for V8 expect: a header, `Name: message`, then frames. The
 * engine gives the frames alone. Costs nothing until `stack` is read.
 */
export function installStacks(): void {
  defineProperty(SafeError.prototype, "stack", {
    configurable: true,
    enumerable: false,
    get(this: unknown): unknown {
      return nativeStack && withHeader(this, apply(nativeStack, this, []));
    },
    set(this: object, value: unknown): void {
      defineProperty(this, "stack", { value, writable: true, enumerable: false, configurable: true });
    },
  });
  defineProperty(SafeError, "captureStackTrace", {
    configurable: true,
    enumerable: false,
    writable: true,
    value: captureStack,
  });
  defineProperty(captureStack, "name", { value: "captureStackTrace", configurable: true });
}

const { captureStackTrace } = SafeError;

/** `Error.captureStackTrace`: gives `target` a `stack` that leaves out `upTo` and what it called. */
export function captureStack(target: object, upTo: (...args: never[]) => unknown = captureStack): void {
  captureStackTrace(target, upTo);
  const own = getOwnPropertyDescriptor(target, "stack");
  if (own && "value" in own && own.writable === true)
    defineProperty(target, "stack", { ...own, value: withHeader(target, own.value) });
}

/**
 * The engine's frames of the program that is here now, for an error that comes when nothing of it is on the stack any
 * more. @param upTo the function of ours that the program called: it and what it called are left out
 */
export function framesHere(upTo: (...args: never[]) => unknown): string {
  // A program's own `prepareStackTrace` expects to be asked for errors only.
  if (typeof read(SafeError, "prepareStackTrace") === "function") return "";
  const holder: { stack?: unknown } = create(null);
  captureStackTrace(holder, upTo);
  return typeof holder.stack === "string" ? holder.stack : "";
}

/** Gives an error of ours the frames of where the program asked, in place of those of where it was made. */
export function setFrames(error: unknown, frames: string): void {
  if (frames === "" || !(error instanceof SafeError)) return;
  defineHidden(error, "stack", withHeader(error, frames));
}

/** Frames as the engine wrote them, made complete; anything else, as `Error.prepareStackTrace` gave it. */
function withHeader(error: unknown, frames: unknown): unknown {
  if (typeof frames !== "string" || (frames !== "" && !startsWith(frames, "    at "))) return frames;
  return header(error) + programFrames(frames);
}

function isOurs(frame: string): boolean {
  if (indexOf(frame, `(${PRELUDE_FILE}:`) >= 0) return true;
  const from = indexOf(frame, EVALUATED);
  if (from < 0) return false;
  const line = from + EVALUATED.length;
  return +slice(frame, line, indexOf(frame, ":", line)) >= LIBRARY_LINE;
}

/** The frames without ours, each after a line break. A native frame that we called goes with ours. */
function programFrames(frames: string): string {
  let kept = "";
  let native = "";
  for (let at = 0; at < frames.length; ) {
    const end = indexOf(frames, "\n", at);
    const line = slice(frames, at, end < 0 ? frames.length : end);
    at += line.length + 1;
    if (isOurs(line)) native = "";
    else if (indexOf(line, "(native)") >= 0) native += `\n${line}`;
    else {
      kept += `${native}\n${line}`;
      native = "";
    }
  }
  return kept + native;
}

/** What `Error.prototype.toString` gives, for any object, never throwing. */
function header(error: unknown): string {
  if (typeof error !== "object" || error === null) return "Error";
  const given = read(error, "name");
  const name = given === undefined ? "Error" : textOf(given);
  const message = textOf(read(error, "message"));
  if (message === "") return name;
  return name === "" ? message : `${name}: ${message}`;
}

/** Where the program called the prelude: `capsule:program:12:3`, or an empty text. */
export function callerPlace(programFile: string): string {
  const stack = toText(nativeStack && apply(nativeStack, new SafeError(), []));
  const from = indexOf(stack, `(${programFile}:`);
  return from < 0 ? "" : slice(stack, from + 1, indexOf(stack, ")", from));
}

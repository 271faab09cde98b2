/**
 * `console`, written as Node writes it when its output is not a terminal. Texts and plain numbers go out directly;
 * the library part `inspect` is loaded when an object is printed for the first time.
 */
import { clock } from "./clock.ts";
import { captureStack } from "./errors.ts";
import { door } from "./host.ts";
import { loadPart } from "./library.ts";
import { write } from "./output.ts";
import {
  create,
  defineHidden,
  defineProperty,
  floor,
  indexOf,
  max,
  repeat,
  replaceAll,
  SafeNumber,
  slice,
  toFixed,
  toText,
} from "./primordials.ts";

const GROUP_STEP = 2;

interface Inspect {
  format(...args: unknown[]): string;
  inspect(value: unknown, options?: object): string;
  table(rows: unknown, columns: unknown): string | null;
}

const inspectPart = (): Inspect => loadPart("inspect") as Inspect;

let indent = "";
const counts: Record<string, number> = create(null);
const starts: Record<string, number> = create(null);

function printLine(send: (text: string) => void, text: string): void {
  if (indent === "") write(send, `${text}\n`);
  else write(send, `${indent}${replaceAll(text, "\n", `\n${indent}`)}\n`);
}

/** `util.format`: without the library part where all arguments are plain and nothing is to be substituted. */
function format(args: readonly unknown[]): string {
  const { length } = args;
  if (length === 1 && typeof args[0] === "string") return args[0];
  let text = "";
  for (let i = 0; i < length; i++) {
    const one = args[i];
    const plain =
      typeof one === "string" ? i > 0 || indexOf(one, "%") < 0 : one == null || typeof one === "boolean";
    if (!plain && typeof one !== "number") return inspectPart().format(...args);
    text += (i === 0 ? "" : " ") + (one === 0 && 1 / one < 0 ? "-0" : toText(one));
  }
  return text;
}

const out = (...args: unknown[]): void => printLine(door.stdout, format(args));
const err = (...args: unknown[]): void => printLine(door.stderr, format(args));

/** Milliseconds as `console.time` prints them. */
function duration(ms: number): string {
  if (ms < 1000) return `${SafeNumber(toFixed(ms, 3))}ms`;
  if (ms < 60_000) return `${toFixed(ms / 1000, 3)}s`;
  const two = (digits: string | number): string => `${+digits < 10 ? "0" : ""}${digits}`;
  const hours = floor(ms / 3_600_000);
  const minutes = floor((ms % 3_600_000) / 60_000);
  const seconds = two(toFixed((ms % 60_000) / 1000, 3));
  return hours > 0 ? `${hours}:${two(minutes)}:${seconds} (h:mm:ss.mmm)` : `${minutes}:${seconds} (m:ss.mmm)`;
}

const warn = (text: string): void => printLine(door.stderr, `Warning: ${text}`);

/** Node's `console` with the method names and the streams they write to. */
const methods = {
  log: out,
  info: out,
  debug: out,
  dirxml: out,
  warn: err,
  error: err,
  dir(value: unknown, options?: object): void {
    printLine(door.stdout, inspectPart().inspect(value, { customInspect: false, ...options }));
  },
  trace(...args: unknown[]): void {
    const target = { name: "Trace", message: format(args) };
    captureStack(target, methods.trace);
    printLine(door.stderr, (target as unknown as { stack: string }).stack);
  },
  assert(condition?: unknown, ...args: unknown[]): void {
    if (condition) return;
    const [first, ...rest] = args;
    if (typeof first === "string") err(`Assertion failed: ${first}`, ...rest);
    else err("Assertion failed", ...args);
  },
  clear(): void {},
  count(label: unknown = "default"): void {
    const key = `${label}`;
    counts[key] = (counts[key] ?? 0) + 1;
    printLine(door.stdout, `${key}: ${counts[key]}`);
  },
  countReset(label: unknown = "default"): void {
    if (counts[`${label}`] === undefined) warn(`Count for '${label}' does not exist`);
    else delete counts[`${label}`];
  },
  group(...args: unknown[]): void {
    if (args.length > 0) out(...args);
    indent += repeat(" ", GROUP_STEP);
  },
  groupCollapsed(...args: unknown[]): void {
    methods.group(...args);
  },
  groupEnd(): void {
    indent = slice(indent, 0, max(0, indent.length - GROUP_STEP));
  },
  table(rows: unknown, columns?: unknown): void {
    const text = inspectPart().table(rows, columns);
    if (text === null) out(rows);
    else printLine(door.stdout, text);
  },
  time(label: unknown = "default"): void {
    if (starts[`${label}`] !== undefined) warn(`Label '${label}' already exists for console.time()`);
    else starts[`${label}`] = clock();
  },
  timeEnd(label: unknown = "default"): void {
    if (timeLog("timeEnd", label, [])) delete starts[`${label}`];
  },
  timeLog(label: unknown = "default", ...args: unknown[]): void {
    timeLog("timeLog", label, args);
  },
};

function timeLog(method: string, label: unknown, args: readonly unknown[]): boolean {
  const start = starts[`${label}`];
  if (start === undefined) {
    warn(`No such label '${label}' for console.${method}()`);
    return false;
  }
  const text = `${label}: ${duration(clock() - start)}`;
  if (args.length > 0) out("%s", text, ...args);
  else out("%s", text);
  return true;
}

export function installConsole(): void {
  const console: Record<string, unknown> = {};
  for (const name in methods) console[name] = methods[name as keyof typeof methods];
  defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
  defineHidden(globalThis, "console", console);
}

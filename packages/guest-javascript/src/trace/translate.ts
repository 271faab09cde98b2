import { posix, relative, resolve, sep } from "node:path";
import { cutText, type ErrorReport, excerpt, harmless, type Place } from "@capsule-run/protocol";
import { OWN } from "../bundle/own.ts";
import { PROGRAM_FILE } from "../door.ts";
import { callStart } from "./calls.ts";
import { type Positions, readPositions } from "./positions.ts";

export interface TranslateOptions {
  /** The project root, to which the bundle's sources are relative. */
  readonly root: string;
  /** The folder whose view of files the message takes; default: the root. */
  readonly cwd?: string | undefined;
}

/** An exception in the user's terms. */
export interface Translated {
  /** What the language itself would print: name, message, stack, causes. */
  readonly message: string;
  /** The innermost frame in the user's own files, or else in any file. */
  readonly place?: Place;
  readonly excerpt?: string;
}

const FRAMES = 16;
const NAME = 200;
const MESSAGE = 16_384;
/** Stacks are looked at no further, nor are lines longer than this. */
const STACK = 65_536;
const LINE = 2_000;
const DEPTH = 5;
const WHOLE = 65_536;

/**
 * Translates a guest's report of an exception: its frames in the bundle become the user's files and lines, frames of
 * Capsule's own and of `eval` are dropped. All text is the guest's and is treated so: lengths are capped and control
 * characters, which a terminal would obey, are taken out. Never throws.
 */
export function translateReport(
  report: ErrorReport,
  sourceMap: string,
  options: TranslateOptions,
): Translated {
  const positions = readPositions(sourceMap);
  const show = shower(options);
  const frames = framesOf(report, positions);
  const prefix = report.via === "unhandled_rejection" ? "Uncaught (in promise) " : "";
  const message = cutText(prefix + describe(report, positions, show, 0), WHOLE);
  const top =
    frames.find(({ at }) => at && !/(^|\/)node_modules\//.test(at.source)) ?? frames.find(({ at }) => at);
  if (!top?.at) return { message };
  const place: Place = { file: show(top.at.source), line: top.at.line, column: top.at.column };
  const text = positions.text(top.at.source);
  const shown = text === undefined ? undefined : excerpt(text, place);
  return shown === undefined ? { message, place } : { message, place, excerpt: shown };
}

/**
 * A text of the guest's with the places of the bundle in it, such as the stack of an error that it printed, turned into
 * the user's files and lines. All else stays as it is.
 */
export function translatePlaces(text: string, sourceMap: string, options: TranslateOptions): string {
  return placesIn(text, readPositions(sourceMap), shower(options));
}

/** Places in one text that are translated; each takes some time, in a long line of a bundle a good deal. */
const PLACES = 2_000;
const PLACE = new RegExp(`${PROGRAM_FILE}:(\\d{1,9}):(\\d{1,9})`, "g");

function placesIn(text: string, positions: Positions, show: Show): string {
  if (!text.includes(PROGRAM_FILE)) return text;
  let places = 0;
  return text.replace(PLACE, (said, line: string, column: string) => {
    if (++places > PLACES) return said;
    const at = positions.original(positions.offset(Number(line), Number(column)));
    return at ? `${safe(show(at.source), LINE)}:${at.line}:${at.column}` : said;
  });
}

type Show = (source: string) => string;

function shower({ root, cwd }: TranslateOptions): Show {
  if (cwd === undefined || cwd === root) return (source) => source;
  return (source) => {
    if (/^[a-z][a-z0-9+.-]+:/i.test(source)) return source;
    const path = relative(cwd, resolve(root, source));
    return sep === "\\" ? path.replaceAll("\\", "/") : path;
  };
}

/** Name, message, frames, then the cause as Node prints it. */
function describe(report: ErrorReport, positions: Positions, show: Show, depth: number): string {
  const lines = framesOf(report, positions).map((frame) => `\n    at ${frameText(frame, show)}`);
  const text = placesIn(headline(report), positions, show) + lines.join("");
  if (!isReport(report.cause)) return text;
  const cause = depth < DEPTH ? describe(report.cause, positions, show, depth + 1) : "…";
  return `${text} {\n  [cause]: ${cause.replaceAll("\n", "\n  ")}\n}`;
}

const isReport = (value: unknown): value is ErrorReport => typeof value === "object" && value !== null;

function headline(report: ErrorReport): string {
  const name = safe(report.name, NAME).replaceAll("\n", " ");
  const message = safe(report.message, MESSAGE);
  if (name === "") return message === "" ? "Error" : message;
  return message === "" ? name : `${name}: ${message}`;
}

const safe = (text: unknown, most: number): string =>
  typeof text === "string" ? harmless(cutText(text, most)) : "";

interface Frame {
  /** The function's name as the user knows it, or "". */
  readonly name: string;
  /** Null for a function of the engine. */
  readonly at: { readonly source: string; readonly line: number; readonly column: number } | null;
}

/** The frames a user can use: their files' and packages', and the engine's functions between them. */
function framesOf(report: ErrorReport, positions: Positions): Frame[] {
  const frames: Frame[] = [];
  if (typeof report.stack !== "string") return frames;
  const error = headline(report);
  let callee: string | null = null;
  for (const line of report.stack.slice(0, STACK).split("\n")) {
    const read = line.length > LINE ? null : readFrame(line);
    if (!read) continue;
    const name = safe(read.name, NAME);
    if (read.file === NATIVE) frames.push({ name, at: null });
    if (read.file === PROGRAM_FILE) {
      const said = positions.offset(read.line, read.column);
      const at = positions.original(callStart(positions.code, { offset: said, callee, error }) ?? said);
      if (at && !at.source.startsWith(`${OWN}:`))
        frames.push({ name: nameOf(name, at.source, positions), at });
    }
    if (frames.length >= FRAMES) break;
    callee = name;
  }
  while (frames.length > 0 && frames.at(-1)?.at === null) frames.pop();
  return frames;
}

const NATIVE = "native";

function readFrame(text: string): { name: string; file: string; line: number; column: number } | null {
  const native = /^\s*at (.*) \(native\)$/.exec(text);
  if (native) return { name: native[1] as string, file: NATIVE, line: 0, column: 0 };
  const match = /^\s*at (?:(.*) \()?(.*?):(\d{1,9}):(\d{1,9})\)?$/.exec(text);
  if (!match) return null;
  const [, name = "", file = "", line, column] = match;
  return { name, file, line: Number(line), column: Number(column) };
}

/**
 * A function's name as its source has it. Bundling tells apart two functions of one name by a number at the end, and
 * wraps modules in functions called by their path.
 */
function nameOf(name: string, source: string, positions: Positions): string {
  if (
    name === "<anonymous>" ||
    name === "anonymous" ||
    name === "__init" ||
    name === "__require" ||
    name.endsWith(posix.basename(source))
  )
    return "";
  const plain = /^(.*\D)\d+$/.exec(name)?.[1];
  const text = plain === undefined ? undefined : positions.text(source);
  if (plain === undefined || text === undefined) return name;
  return !text.includes(name) && text.includes(plain) ? plain : name;
}

function frameText({ name, at }: Frame, show: Show): string {
  if (!at) return `${name} (native)`;
  const place = `${safe(show(at.source), LINE)}:${at.line}:${at.column}`;
  return name === "" ? place : `${name} (${place})`;
}

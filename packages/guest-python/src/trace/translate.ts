import { resolve } from "node:path";
import { type ErrorReport, excerpt, harmless, type Place } from "@capsule-run/protocol";
import { ENGINE_MODULES, PYTHON, STANDARD_MODULES } from "../bundle/carried.ts";
import { relativePath } from "../bundle/disk.ts";
import { type ProgramMap, readMap } from "../bundle/map.ts";
import { PACKAGES_FOLDER, PROGRAM_FOLDER } from "../files.ts";

const OWN = `${PROGRAM_FOLDER}/`;

export interface TranslateOptions {
  /** The project root. */
  readonly root: string;
  /** The folder whose view of files the message takes; default: the root. */
  readonly cwd?: string | undefined;
}

/** An exception in the user's terms. */
export interface Translated {
  /** What Python itself would print: the traceback, causes first. */
  readonly message: string;
  /** The innermost frame in the user's own files, or where the error of syntax is. */
  readonly place?: Place;
  readonly excerpt?: string;
}

/** Characters of a traceback that are kept: its beginning, and its end with the exception itself. */
const HEAD = 20_480;
const TAIL = 45_056;

/**
 * Translates a guest's report of an exception: where its traceback speaks of files of the sandbox, it becomes the
 * user's files. All text is the guest's and is treated so: lengths are capped and control characters, which a terminal
 * would obey, are taken out. Never throws.
 */
export function translateReport(
  report: ErrorReport,
  sourceMap: string,
  options: TranslateOptions,
): Translated {
  const map = readMap(sourceMap);
  const show = shower(map, options);
  const text = harmless(shorten(report.stack || headline(report))).trimEnd();
  const message = placesIn(text, show);
  const frame = lastOwnFrame(text);
  if (!frame) return { message };
  const source = Object.hasOwn(map.sources, frame.path) ? map.sources[frame.path] : undefined;
  const { line } = frame;
  const place: Place = { file: show(frame.path), line, column: columnOf(frame, source) };
  const shown = source === undefined ? undefined : excerpt(source, place);
  return shown === undefined ? { message, place } : { message, place, excerpt: shown };
}

/**
 * A text of the guest's with the user's files where Python speaks of files of the sandbox: in the frames of tracebacks
 * and at the head of warnings. All else stays as it is.
 */
export function translatePlaces(text: string, sourceMap: string, options: TranslateOptions): string {
  return text.includes('File "/') || text.includes(OWN)
    ? placesIn(text, shower(readMap(sourceMap), options))
    : text;
}

/** A frame, also one of an exception in a group; `line 1 in f` is what the fault handler prints. */
const FRAME = /^([ |]* {2}File ")(\/[^\n]*)(", line (\d{1,9})(?:,? in [^\n]*)?)$/;
const FRAMES = new RegExp(FRAME, "gm");
const WARNING = /^(\/[^\n:]*\.py)(?=:\d{1,9}: \w*Warning: )/gm;

/**
 * Where a task was defined before, in the message about one that is defined twice. A path has an end: the words before
 * it may be repeated in one line as often as its writer likes.
 */
const DEFINED = /(?<=defined twice, first at )\/[^\n;]{0,500}\.py(?=:\d)/g;

function placesIn(text: string, show: Show): string {
  return text
    .replace(FRAMES, (_, before: string, path: string, after: string) => before + show(path) + after)
    .replace(WARNING, (path: string) => show(path))
    .replace(DEFINED, (path: string) => show(path));
}

type Show = (guestPath: string) => string;

const LIBRARY = "/usr/local/lib/python315.zip/";
const LIBRARY_NAME = `python${PYTHON.split(".", 2).join(".")}`;

function shower({ base }: ProgramMap, { root, cwd = root }: TranslateOptions): Show {
  return (path) => {
    if (path.startsWith(OWN)) return relativePath(cwd, resolve(root, base, path.slice(OWN.length)));
    if (path.startsWith(`${PACKAGES_FOLDER}/`)) return path.slice(1);
    if (!path.startsWith(LIBRARY)) return path;
    const inner = path.slice(LIBRARY.length);
    const module = inner.split(/[/.]/, 1)[0] as string;
    const installed = ENGINE_MODULES.has(module) && !STANDARD_MODULES.has(module);
    return `${installed ? "site-packages" : LIBRARY_NAME}/${inner}`;
  };
}

function headline({ name, message }: ErrorReport): string {
  if (name === "") return message === "" ? "Exception" : message;
  return message === "" ? name : `${name}: ${message}`;
}

function shorten(text: string): string {
  return text.length <= HEAD + TAIL ? text : `${text.slice(0, HEAD)}\n…\n${text.slice(-TAIL)}`;
}

interface Frame {
  /** In the guest. */
  readonly path: string;
  readonly line: number;
  /** What stands below it: the line of source, and marks under a part of it. */
  readonly below: readonly [code: string, marks: string];
}

/** The innermost frame in the program's own files, of the last exception that has one. */
function lastOwnFrame(text: string): Frame | null {
  const lines = text.split("\n");
  for (let at = lines.length - 1; at >= 0; at--) {
    const match = FRAME.exec(lines[at] as string);
    if (match?.[2]?.startsWith(OWN))
      return { path: match[2], line: Number(match[4]), below: [lines[at + 1] ?? "", lines[at + 2] ?? ""] };
  }
  return null;
}

/** Where the marked part of a line begins, from 1. */
function columnOf({ line, below: [code, marks] }: Frame, source: string | undefined): number {
  const text = source?.split("\n", line)[line - 1] ?? "";
  const indentation = text.length - text.trimStart().length;
  const mark = /^[ |]* {4,}(?=[~^]+\s*$)/.exec(marks)?.[0].length;
  const shown = /^[ |]* {4}/.exec(code)?.[0].length;
  if (mark === undefined || shown === undefined || mark < shown) return indentation + 1;
  return indentation + (mark - shown) + 1;
}

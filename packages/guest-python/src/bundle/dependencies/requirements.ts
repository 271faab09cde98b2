import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { excerpt, UsageError, type UsageSlug } from "@capsule-run/protocol";
import { type Disk, isInside, realpath } from "../disk.ts";
import { parseWheelName } from "./wheel-name.ts";

/** Where a requirement is written. */
export interface Written {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** One package that a program asks for. */
export interface Requirement {
  /** As pip reads it, in one line, without hashes. */
  readonly text: string;
  /** Normalised. */
  readonly name: string;
  /** `sha256:…` and the like: the wheel must have one of them, if there are any. */
  readonly hashes: readonly string[];
  /** A wheel of the project. */
  readonly wheel: string | null;
  readonly at: Written;
}

/** All that a program asks for. */
export interface Requirements {
  readonly packages: readonly Requirement[];
  /** Limits to versions, whether or not the packages are needed. */
  readonly constraints: readonly Requirement[];
  /** Options for where packages come from, one line each. */
  readonly options: readonly string[];
}

/** What reading needs to know about the project. */
export interface Surroundings {
  /** The project's folder, real: nothing outside is read. */
  readonly base: string;
  readonly disk: Disk;
  show(path: string): string;
}

const DEPTH = 10;
const MOST_LINES = 10_000;

/** The name of a package as PyPI normalises it. */
export const normalised = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");

/**
 * Reads a requirements file and what it includes.
 * @throws UsageError `requirements`, `native-code`, or `outside-project`
 */
export function readRequirements(file: string, surroundings: Surroundings): Requirements {
  const reader = new Reader(surroundings);
  reader.read(file, "packages", []);
  return reader;
}

class Reader implements Requirements {
  readonly packages: Requirement[] = [];
  readonly constraints: Requirement[] = [];
  readonly options: string[] = [];
  readonly #surroundings: Surroundings;
  #lines = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  read(file: string, into: "packages" | "constraints", around: readonly string[]): void {
    if (around.includes(file) || around.length > DEPTH) return;
    const text = decode(this.#surroundings.disk.read(file));
    for (const { line, body } of logicalLines(text)) {
      const at = { file, line };
      if (++this.#lines > MOST_LINES) throw problem("These are too many lines", at, this.#surroundings);
      if (/\$\{[A-Z0-9_]+\}/.test(body))
        throw problem(
          "Environment variables are not put into requirements of a program: set PIP_INDEX_URL or PIP_EXTRA_INDEX_URL in the environment instead",
          at,
          this.#surroundings,
        );
      if (body.startsWith("-")) this.#option(body, at, into, [...around, file]);
      else this[into].push(readRequirement(body, at, this.#surroundings));
    }
  }

  #option(body: string, at: Written, into: "packages" | "constraints", around: readonly string[]): void {
    const [, name = "", value = ""] =
      /^(--[a-z-]+|-[a-z])(?:\s*=\s*|\s+|(?<=^-[a-z]))?(.*)$/.exec(body) ?? [];
    const refuse = (message: string): never => {
      throw problem(message, at, this.#surroundings);
    };
    switch (OPTIONS[name]) {
      case "include":
        this.read(
          this.#included(value, at),
          name.endsWith("c") || name === "--constraint" ? "constraints" : into,
          around,
        );
        break;
      case "index":
        if (!/^https?:\/\//.test(value)) refuse(`"${name}" must be an http or https address`);
        this.options.push(`${name} ${value}`);
        break;
      case "links":
        this.options.push(`${name} ${/^https?:\/\//.test(value) ? value : this.#links(value, at)}`);
        break;
      case "plain":
        this.options.push(body);
        break;
      case "ignored":
        break;
      case "build":
        refuse(
          `"${value}" would have to be built, and building runs its code outside of the sandbox: ${INSTEAD_OF_BUILDING}`,
        );
        break;
      default:
        refuse(`"${name}" is no option that Capsule knows in requirements`);
    }
  }

  #included(value: string, at: Written): string {
    if (/^[a-z][a-z0-9+.-]+:/i.test(value) && !value.startsWith("file:"))
      throw problem("Requirements are read from files of the project only", at, this.#surroundings);
    return inProject(value, at, this.#surroundings, "file");
  }

  #links(value: string, at: Written): string {
    const folder = inProject(value, at, this.#surroundings, "folder");
    this.#surroundings.disk.list(folder);
    return pathToFileURL(folder).href;
  }
}

const OPTIONS: Readonly<Record<string, "include" | "index" | "links" | "plain" | "ignored" | "build">> = {
  "-r": "include",
  "--requirement": "include",
  "-c": "include",
  "--constraint": "include",
  "-i": "index",
  "--index-url": "index",
  "--extra-index-url": "index",
  "-f": "links",
  "--find-links": "links",
  "--no-index": "plain",
  "--pre": "plain",
  "--require-hashes": "plain",
  "--trusted-host": "plain",
  "--prefer-binary": "ignored",
  "--only-binary": "ignored",
  "--use-feature": "ignored",
  "--use-pep517": "ignored",
  "-e": "build",
  "--editable": "build",
  "--no-binary": "build",
};

const INSTEAD_OF_BUILDING =
  "give a wheel (.whl) instead, or put the package's folder beside the program, which packs it";

/**
 * Reads one requirement (PEP 508), with what may stand behind it in a requirements file.
 * @throws UsageError `requirements`, `native-code`, or `outside-project`
 */
export function readRequirement(body: string, at: Written, surroundings: Surroundings): Requirement {
  const [text = "", ...rest] = body.split(/\s+(?=--[a-z])/);
  const hashes = rest.flatMap((option) => /^--hash[=\s]\s*(\w+:[0-9a-fA-F]+)\s*$/.exec(option)?.[1] ?? []);
  const named = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*@\s*(\S+)(.*)$/.exec(text);
  if (named)
    return direct(named[3] as string, named[1] as string, `${named[2] ?? ""} @ `, named[4] as string);
  const plain = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[[<>=!~;(])/.exec(text);
  if (plain && !/^[^[;]*\.whl\s*(?:$|;)/.test(text))
    return { text, name: normalised(plain[1] as string), hashes, wheel: null, at };
  if (/^[a-z][a-z0-9+.-]+:|[\\/]|^\.|\.whl\b/i.test(text)) {
    const [, source = "", marker = ""] = /^(\S+)(.*)$/.exec(text) ?? [];
    return direct(source, null, " @ ", marker);
  }
  throw problem(`"${text}" is no requirement: it should read like "requests>=2"`, at, surroundings);

  function direct(source: string, given: string | null, between: string, after: string): Requirement {
    const address = source.replace(/[?#].*$/, "");
    const file = decodeURIComponentSafely(basename(address));
    if (/^(?:git|hg|svn|bzr)\+/.test(source) || !address.endsWith(".whl"))
      throw problem(
        `"${source}" would have to be built, and building runs its code outside of the sandbox: ${INSTEAD_OF_BUILDING}`,
        at,
        surroundings,
      );
    const wheelName = parseWheelName(file);
    if (!wheelName) throw problem(`"${file}" is no name of a wheel`, at, surroundings);
    if (!wheelName.pure) throw problem(nativeWheel(file), at, surroundings, "native-code");
    const name = given ?? wheelName.name;
    const remote = /^https?:\/\//.test(source);
    const wheel = remote ? null : inProject(source, at, surroundings, "file");
    if (wheel) surroundings.disk.ask({ kind: "file", path: wheel });
    const url = wheel ? pathToFileURL(wheel).href : source;
    return { text: `${name}${between}${url}${after}`, name: normalised(name), hashes, wheel, at };
  }
}

const nativeWheel = (file: string): string =>
  `"${file}" has native code, which can't be loaded into a sandbox: only wheels for every platform ("none-any") can`;

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A path of a requirements file, which must lie in the project. */
function inProject(value: string, at: Written, surroundings: Surroundings, kind: "file" | "folder"): string {
  let path: string;
  try {
    path = value.startsWith("file:") ? fileURLToPath(value) : resolve(dirname(at.file), value);
  } catch {
    throw problem(`"${value}" is no path`, at, surroundings);
  }
  surroundings.disk.ask({ kind: "link", path });
  const real = realpath(path);
  if (real === null || surroundings.disk.kindOf(real) !== kind)
    throw problem(`There is no ${kind} "${surroundings.show(path)}"`, at, surroundings);
  if (!isInside(real, surroundings.base))
    throw problem(`"${value}" leads out of the project`, at, surroundings, "outside-project");
  return join(path);
}

/** Wrong use in a file of requirements, shown there. */
export function problem(
  message: string,
  { file, line }: Written,
  { disk, show }: Pick<Surroundings, "disk" | "show">,
  slug: UsageSlug = "requirements",
): UsageError {
  const place = { file: show(file), line, column: 1 };
  let shown: string | undefined;
  try {
    shown = excerpt(decode(disk.read(file)), place);
  } catch {
    // It was there a moment ago; the message says enough.
  }
  return new UsageError(slug, message, { place, excerpt: shown });
}

/** As pip does: by byte order mark, else UTF-8. PowerShell writes UTF-16. */
export function decode(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** Lines without comments; a line that ends in a backslash goes on in the next. */
function* logicalLines(text: string): Generator<{ readonly line: number; readonly body: string }> {
  const lines = text.split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let body = lines[at] as string;
    while (/\\$/.test(body) && !/^\s*#/.test(body) && at + 1 < lines.length) {
      at++;
      body = `${body.slice(0, -1)} ${(lines[at] as string).trim()}`;
    }
    body = body.replace(/(?:^|\s+)#.*$/, "").trim();
    if (body !== "") yield { line, body };
  }
}

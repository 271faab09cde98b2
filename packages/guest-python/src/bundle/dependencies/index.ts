import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import type { ProgramFile } from "../../files.ts";
import type { CarriedPackage } from "../carried.ts";
import { type Disk, isInside, realpath } from "../disk.ts";
import { type Context, explain } from "./explain.ts";
import {
  LOCK_FILE,
  type Lock,
  type Locked,
  makeLock,
  putInPlace,
  readLocked,
  sha256Of,
  workFolder,
  writeFolder,
  writeLock,
} from "./lock.ts";
import { NATIVE } from "./native.ts";
import { type Launcher, NoPip, type PipOptions, type PipRun, pipDownload } from "./pip.ts";
import {
  normalised,
  problem,
  type Requirement,
  type Requirements,
  readRequirements,
  type Surroundings,
} from "./requirements.ts";
import { readScriptBlock } from "./script.ts";
import { PROVIDED, SDK, writeStubs } from "./stubs.ts";
import { allows } from "./versions.ts";
import { unpackWheel } from "./wheel.ts";
import { parseWheelName } from "./wheel-name.ts";

export interface DependencyRequest {
  /** The program's file, real. */
  readonly file: string;
  /** The program's project, real. */
  readonly base: string;
  readonly disk: Disk;
  /** Where what was fetched is kept, a folder for each set of requirements. */
  readonly dir: string;
  show(path: string): string;
  progress(message: string): void;
  readonly signal?: AbortSignal | undefined;
  /** What was fetched for the same program a moment ago. */
  readonly fetched: Fetched;
  /** For tests: what may start pip, and its environment. */
  readonly launchers?: readonly Launcher[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** Dependencies by where they are kept. */
export type Fetched = Map<string, Chosen>;

export interface Dependencies {
  /** Under `/site-packages`, with the lock. */
  readonly files: readonly ProgramFile[];
  readonly warnings: readonly string[];
}

/** What is asked for, without what the engine has. */
interface Wanted extends Requirements {
  /** What was asked for and the engine has. */
  readonly provided: readonly CarriedPackage[];
}

/** Where the lock is in the guest. */
const LOCK_PATH = "/site-packages/capsule-lock.json";
const NONE: Dependencies = { files: [], warnings: [] };

/**
 * The dependencies of a program: those of its block `# /// script`, or else those of `requirements.txt` in its folder,
 * or else in the nearest folder above in the project. Packages that the engine has come from there and from nowhere
 * else. What else is needed is chosen and fetched by pip once; from then on a lock says what it is, by hash, and no
 * network is needed. Nothing of a package is run.
 * @throws UsageError `compile`
 */
export async function dependenciesOf(request: DependencyRequest): Promise<Dependencies> {
  const surroundings: Surroundings = request;
  const found = await findRequirements(request, surroundings);
  const packages = found?.packages.filter((each) => !isProvided(each, surroundings)) ?? [];
  if (!found || packages.length === 0) return NONE;
  const provided = found.packages.flatMap((each) =>
    packages.includes(each) ? [] : (PROVIDED.get(each.name) ?? []),
  );
  const requirements: Wanted = { ...found, packages, provided };
  const asked = linesOf(requirements);
  const place = join(request.dir, keyOf(asked, requirements.options));
  const locked = readLocked(place);
  const known = locked ? undefined : request.fetched.get(place);
  const chosen =
    known ??
    (locked && locked.wheels.size === locked.lock.packages.length
      ? { ...locked, warnings: [] }
      : await fetchInto(place, requirements, asked, locked?.lock ?? null, request));
  request.fetched.set(place, chosen);
  request.disk.ask({ kind: "file", path: join(place, LOCK_FILE) });
  return {
    files: filesOf(chosen),
    warnings: [...chosen.warnings, ...oldVersions(requirements, chosen.lock)],
  };
}

async function findRequirements(
  request: DependencyRequest,
  surroundings: Surroundings,
): Promise<Requirements | null> {
  const { file, base, disk } = request;
  const block = await readScriptBlock(file, disk.read(file), surroundings);
  if (block) return block;
  for (let folder = dirname(file); isInside(folder, base); folder = dirname(folder)) {
    const path = join(folder, "requirements.txt");
    if (disk.has(folder, "requirements.txt") && disk.kindOf(path) === "file") {
      const real = realpath(path);
      if (real === null || !isInside(real, base))
        throw problem("This file leads out of the project", { file: path, line: 1 }, surroundings);
      return readRequirements(path, surroundings);
    }
    if (folder === base) break;
  }
  return null;
}

/**
 * Whether the engine has what a requirement asks for.
 * @throws UsageError if it has another version
 */
function isProvided({ name, text, wheel, at }: Requirement, surroundings: Surroundings): boolean {
  if (name === SDK) return true;
  const provided = PROVIDED.get(name);
  if (!provided) return false;
  // Extras and markers are for the resolver to understand.
  const range = wheel || text.includes(" @ ") ? null : /^[\w.-]+\s*\(?([^[\];()@]*)\)?\s*$/.exec(text)?.[1];
  const allowed = range === undefined || range === null ? null : allows(range, provided.version);
  if (allowed === false)
    throw problem(
      `"${text}": the Python engine has ${name} ${provided.version}, and no other version can be used`,
      at,
      surroundings,
    );
  return allowed === true;
}

/** What is asked for, one line each: how it is written down in the lock, which goes where the program goes. */
function linesOf({ packages, constraints }: Requirements): readonly string[] {
  const line = ({ text, hashes, wheel, name }: Requirement): string => {
    const asked = wheel
      ? `${name} @ sha256:${sha256Of(readFileSync(wheel))}`
      : text.replace(/\/\/[^@/\s]*@/, "//");
    return [asked, ...hashes.map((hash) => `--hash=${hash}`)].join(" ");
  };
  return [...packages.map(line), ...constraints.map((each) => `-c ${line(each)}`)];
}

function keyOf(asked: readonly string[], options: readonly string[]): string {
  const provided = [...PROVIDED.values()].map(({ name, version }) => `${name}==${version}`);
  return sha256Of(JSON.stringify([1, asked, options, provided])).slice(0, 32);
}

export interface Chosen {
  readonly lock: Lock;
  /** By file name. */
  readonly wheels: ReadonlyMap<string, Uint8Array>;
  readonly warnings: readonly string[];
}

function filesOf({ lock, wheels }: Chosen): readonly ProgramFile[] {
  const files = new Map<string, ProgramFile>();
  for (const { file } of lock.packages)
    for (const each of unpackWheel(file, wheels.get(file) as Uint8Array)) files.set(each.path, each);
  files.set(LOCK_PATH, { path: LOCK_PATH, bytes: Buffer.from(writeLock(lock)) });
  return [...files.values()];
}

/** Fetches what was chosen before, or chooses; puts it where it is kept. */
async function fetchInto(
  place: string,
  requirements: Wanted,
  asked: readonly string[],
  before: Lock | null,
  request: DependencyRequest,
): Promise<Chosen> {
  const work = workFolder(request.dir);
  try {
    request.progress("fetching dependencies");
    const fetched = before
      ? await fetchAgain(work.path, requirements, before, request)
      : await choose(work.path, requirements, asked, request);
    const warnings = [...fetched.warnings];
    if (work.refused === null) {
      const finished = join(work.path, "finished");
      writeFolder(finished, fetched.lock, fetched.wheels);
      putInPlace(finished, place);
      const now = readLocked(place);
      // Another process was faster: what is there counts.
      if (now && now.wheels.size === now.lock.packages.length) return { ...now, warnings };
    } else
      warnings.push(
        `${request.show(request.dir)} can't be written (${work.refused}): dependencies are fetched anew for each build`,
      );
    return { ...fetched, warnings };
  } finally {
    rmSync(work.path, { recursive: true, force: true });
  }
}

async function choose(
  work: string,
  requirements: Wanted,
  asked: readonly string[],
  request: DependencyRequest,
): Promise<Chosen> {
  const { packages, constraints, options } = requirements;
  const folders = { stubs: join(work, "stubs"), wheels: join(work, "wheels") };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const stubs = writeStubs(folders.stubs);
  const hashed =
    options.includes("--require-hashes") ||
    [...packages, ...constraints].some(({ hashes }) => hashes.length > 0);
  // With hashes, what a package needs has to be asked for as well, in one version and with its hash.
  const pinned = requirements.provided.map(
    ({ name, version }) => `${name}==${version} --hash=sha256:${stubs.get(name)}`,
  );
  const limits = hashed
    ? []
    : [
        ...[...PROVIDED.values()].map(({ name, version }) => `${name}==${version}`),
        ...Object.entries(NATIVE).flatMap(([name, { from }]) =>
          from === undefined ? [] : [`${name}<${from}`],
        ),
      ];
  const files = { asked: join(work, "requirements.txt"), limits: join(work, "constraints.txt") };
  writeFileSync(files.asked, lines([...options, ...packages.map(asLine), ...(hashed ? pinned : [])]));
  const tried: Tried = new Map();
  let run: PipRun | null = null;
  // Pip would go back to the first version of a package if newer ones need what can't be had. To say what that is, the
  // newest is asked for.
  for (let tries = 0; run === null; tries++) {
    const newest = [...tried].flatMap(([name, versions]) =>
      versions.size > MOST_VERSIONS ? [`${name}==${[...versions][0]}`] : [],
    );
    writeFileSync(
      files.limits,
      lines([...limits, ...newest, ...constraints.filter(({ name }) => !PROVIDED.has(name)).map(asLine)]),
    );
    run = await pipWithin(
      work,
      ["-d", folders.wheels, "--find-links", folders.stubs, "-r", files.asked, "-c", files.limits],
      request,
      packages,
      tries < MOST_TRIES ? tried : new Map(),
    );
  }
  if (!run.ok)
    throw await explain(run.log, contextOf(requirements, request), inspector(work, requirements, request));
  const wheels = readWheels(folders.wheels);
  const lock = makeLock(asked, lockedOf(wheels));
  return { lock, wheels, warnings: settled(packages, tried, lock) };
}

/** Versions by package, in the order in which pip looked at them. */
type Tried = Map<string, Set<string>>;

/** Versions of one package that pip may look at. */
const MOST_VERSIONS = 20;
const MOST_TRIES = 3;

/** Like `pip`, but null if it looks at too many versions of a package that it has not looked at so before. */
async function pipWithin(
  work: string,
  options: readonly string[],
  request: DependencyRequest,
  packages: readonly Requirement[],
  tried: Tried,
): Promise<PipRun | null> {
  const stop = new AbortController();
  const known = new Set([...tried].flatMap(([name, { size }]) => (size > MOST_VERSIONS ? [name] : [])));
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  try {
    return await pip(work, options, { ...request, signal }, packages, (line) => {
      const name = noteVersion(line, tried);
      if (name !== null && !known.has(name) && (tried.get(name)?.size ?? 0) > MOST_VERSIONS) stop.abort();
    });
  } catch (error) {
    if (stop.signal.aborted && !request.signal?.aborted) return null;
    throw error;
  }
}

async function fetchAgain(
  work: string,
  { packages, options }: Requirements,
  lock: Lock,
  request: DependencyRequest,
): Promise<Chosen> {
  const folder = join(work, "wheels");
  mkdirSync(folder);
  const file = join(work, "requirements.txt");
  const line = ({ name, version, sha256 }: Locked): string => {
    const direct = packages.find((each) => each.name === name && each.text.includes(" @ "));
    return `${direct?.text ?? `${name}==${version}`} --hash=sha256:${sha256}`;
  };
  writeFileSync(file, lines([...options, ...lock.packages.map(line)]));
  const run = await pip(work, ["-d", folder, "--no-deps", "-r", file], request, packages);
  const wheels = run.ok ? readWheels(folder) : new Map<string, Uint8Array>();
  const whole = lock.packages.every(({ file: name, sha256 }) => {
    const bytes = wheels.get(name);
    return bytes !== undefined && sha256Of(bytes) === sha256;
  });
  if (whole) return { lock, wheels, warnings: [] };
  const { message } = await explain(
    run.log,
    { packages, firstLine: 1 + options.length, surroundings: request },
    async () => "",
  );
  throw new UsageError(
    "compile",
    `Dependencies as they were locked before can't be fetched again: ${message}. To choose them anew, delete ${request.show(request.dir)}`,
  );
}

const lines = (all: readonly string[]): string => `${all.join("\n")}\n`;

const asLine = ({ text, hashes }: Requirement): string =>
  [text, ...hashes.map((hash) => `--hash=${hash}`)].join(" ");

async function pip(
  work: string,
  options: readonly string[],
  request: DependencyRequest,
  packages: readonly Requirement[],
  onLine?: (line: string) => void,
): Promise<PipRun> {
  const how: PipOptions = {
    launchers: request.launchers,
    env: request.env,
    signal: request.signal,
    onLine(line) {
      const name = /^Collecting ([\w.-]+)/.exec(line)?.[1];
      if (name !== undefined && !PROVIDED.has(normalised(name)))
        request.progress(`fetching dependencies: ${name}`);
      onLine?.(line);
    },
  };
  try {
    return await pipDownload(work, options, how);
  } catch (error) {
    if (!(error instanceof NoPip)) throw error;
    const tried = error.message === "" ? "" : ` (${error.message})`;
    throw new UsageError(
      "compile",
      `${packages.length === 1 ? "A dependency has" : "Dependencies have"} to be fetched (${packages
        .slice(0, 3)
        .map(({ name }) => name)
        .join(
          ", ",
        )}${packages.length > 3 ? ", …" : ""}), which takes uv or pip, and neither is here${tried}: install uv (https://docs.astral.sh/uv) or a Python with pip`,
      { cause: error },
    );
  }
}

const contextOf = ({ packages, options }: Requirements, surroundings: Surroundings): Context => ({
  packages,
  firstLine: 1 + options.length,
  surroundings,
});

/** Looks at one package with all that pip says of it. */
function inspector(
  work: string,
  { options }: Requirements,
  request: DependencyRequest,
): (name: string) => Promise<string> {
  const seen = new Map<string, Promise<string>>();
  return (name) => {
    const known = seen.get(name);
    if (known) return known;
    const file = join(work, "inspect.txt");
    writeFileSync(file, lines([...options.filter((each) => each !== "--require-hashes"), name]));
    const run = pipDownload(work, ["-d", join(work, "inspected"), "--no-deps", "-vv", "-r", file], {
      launchers: request.launchers,
      env: request.env,
      signal: request.signal,
    }).then(({ log }) => log);
    seen.set(name, run);
    return run;
  };
}

/** What pip has put into a folder, except for what the engine has. */
function readWheels(folder: string): Map<string, Uint8Array> {
  const wheels = new Map<string, Uint8Array>();
  for (const file of readdirSync(folder).sort()) {
    const name = parseWheelName(file);
    if (!name?.pure)
      throw new UsageError(
        "compile",
        `The dependency ${file} can't be used: it is no wheel for every platform`,
      );
    if (!PROVIDED.has(name.name)) wheels.set(file, readFileSync(join(folder, file)));
  }
  return wheels;
}

function lockedOf(wheels: ReadonlyMap<string, Uint8Array>): readonly Locked[] {
  return [...wheels].map(([file, bytes]) => {
    const { name, version } = parseWheelName(file) as { name: string; version: string };
    return { name, version, file, sha256: sha256Of(bytes) };
  });
}

/** Remembers a version of a package that pip looks at; gives the package. */
function noteVersion(line: string, tried: Tried): string | null {
  const file = /^\s+(?:Downloading|Using cached) (?:\S*\/)?(\S+\.whl)/.exec(line)?.[1];
  const wheel = file === undefined ? null : parseWheelName(file);
  if (!wheel) return null;
  const versions = tried.get(wheel.name) ?? new Set();
  tried.set(wheel.name, versions.add(wheel.version));
  return wheel.name;
}

/** A package that was asked for without a version and is not the newest one. */
function settled(packages: readonly Requirement[], tried: Tried, lock: Lock): string[] {
  return lock.packages.flatMap(({ name, version }) => {
    const [first] = tried.get(name) ?? [];
    if (first === undefined || first === version || !packages.some((each) => each.name === name)) return [];
    return [`${name} ${version} is used, not ${first}: what newer versions need can't be had in a sandbox`];
  });
}

/** A package that was asked for in any version, and whose newer ones have native code. */
function oldVersions({ packages }: Requirements, lock: Lock): string[] {
  return packages.flatMap(({ name, text }) => {
    const native = Object.hasOwn(NATIVE, name) ? NATIVE[name] : undefined;
    const used = lock.packages.find((each) => each.name === name);
    if (native?.from === undefined || !used || /[<=~@]/.test(text)) return [];
    return [
      `${name} ${used.version} is used: from version ${native.from} on it has native code, which can't be loaded into a sandbox. "${name}<${native.from}" in the requirements says so`,
    ];
  });
}

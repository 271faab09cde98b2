import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import type { CarriedPackage } from "../carried.ts";
import type { Disk } from "../disk.ts";
import { type Context, explain } from "./explain.ts";
import {
  type Lock,
  type Locked,
  makeLock,
  putInPlace,
  readLocked,
  sha256Of,
  workFolder,
  writeFolder,
} from "./lock.ts";
import { NATIVE } from "./native.ts";
import { type Launcher, NoPip, type PipOptions, type PipRun, pipDownload } from "./pip.ts";
import { normalised, type Requirement, type Requirements, type Surroundings } from "./requirements.ts";
import { PROVIDED, writeStubs } from "./stubs.ts";
import { parseWheelName } from "./wheel-name.ts";

/** A program whose dependencies are fetched. */
export interface FetchRequest {
  /** The program's project, real. */
  readonly base: string;
  readonly disk: Disk;
  /** Where what was fetched is kept, a folder for each set of requirements. */
  readonly dir: string;
  show(path: string): string;
  progress(message: string): void;
  readonly signal?: AbortSignal | undefined;
  /** For tests: what may start pip, and its environment. */
  readonly launchers?: readonly Launcher[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** What is asked for, without what the engine has. */
export interface Wanted extends Requirements {
  /** What was asked for and the engine has. */
  readonly provided: readonly CarriedPackage[];
}

/** Dependencies that were chosen, and fetched. */
export interface Chosen {
  readonly lock: Lock;
  /** By file name. */
  readonly wheels: ReadonlyMap<string, Uint8Array>;
  readonly warnings: readonly string[];
}

/** Fetches what was chosen before, or chooses; puts it where it is kept. */
export async function fetchInto(
  place: string,
  requirements: Wanted,
  asked: readonly string[],
  before: Lock | null,
  request: FetchRequest,
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
  request: FetchRequest,
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
  request: FetchRequest,
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
  request: FetchRequest,
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
  const { text, slug } = await explain(
    run.log,
    { packages, firstLine: 1 + options.length, surroundings: request },
    async () => "",
  );
  throw new UsageError(
    slug,
    `Dependencies as they were locked before can't be fetched again: ${text}. To choose them anew, delete ${request.show(request.dir)}`,
  );
}

const lines = (all: readonly string[]): string => `${all.join("\n")}\n`;

const asLine = ({ text, hashes }: Requirement): string =>
  [text, ...hashes.map((hash) => `--hash=${hash}`)].join(" ");

async function pip(
  work: string,
  options: readonly string[],
  request: FetchRequest,
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
      "dependency-fetch",
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
  request: FetchRequest,
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
        "dependency-file",
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

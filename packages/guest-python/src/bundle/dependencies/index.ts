import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ProgramFile } from "../../files.ts";
import { isInside, realpath } from "../disk.ts";
import { type Chosen, type FetchRequest, fetchInto, type Wanted } from "./fetch.ts";
import { LOCK_FILE, type Lock, readLocked, sha256Of, writeLock } from "./lock.ts";
import { NATIVE } from "./native.ts";
import {
  problem,
  type Requirement,
  type Requirements,
  readRequirements,
  type Surroundings,
} from "./requirements.ts";
import { readScriptBlock } from "./script.ts";
import { PROVIDED, SDK } from "./stubs.ts";
import { allows } from "./versions.ts";
import { unpackWheel } from "./wheel.ts";

export interface DependencyRequest extends FetchRequest {
  /** The program's file, real. */
  readonly file: string;
  /** What was fetched for the same program a moment ago. */
  readonly fetched: Fetched;
}

/** Dependencies by where they are kept. */
export type Fetched = Map<string, Chosen>;

export interface Dependencies {
  /** Under `/site-packages`, with the lock. */
  readonly files: readonly ProgramFile[];
  readonly warnings: readonly string[];
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

function filesOf({ lock, wheels }: Chosen): readonly ProgramFile[] {
  const files = new Map<string, ProgramFile>();
  for (const { file } of lock.packages)
    for (const each of unpackWheel(file, wheels.get(file) as Uint8Array)) files.set(each.path, each);
  files.set(LOCK_PATH, { path: LOCK_PATH, bytes: Buffer.from(writeLock(lock)) });
  return [...files.values()];
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

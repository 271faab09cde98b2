import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGES_FOLDER, type ProgramFile } from "../../files.ts";
import { type Chosen, type FetchRequest, fetchInto, type Wanted } from "./fetch.ts";
import { findRequirements } from "./find.ts";
import { LOCK_FILE, type Lock, readLocked, sha256Of, writeLock } from "./lock.ts";
import { NATIVE } from "./native.ts";
import { isProvided } from "./provided.ts";
import type { Requirement, Requirements } from "./requirements.ts";
import { PROVIDED } from "./stubs.ts";
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
const LOCK_PATH = `${PACKAGES_FOLDER}/capsule-lock.json`;
const NONE: Dependencies = { files: [], warnings: [] };

/**
 * The dependencies of a program: those of its block `# /// script`, or else those of `requirements.txt` in its folder,
 * or else in the nearest folder above in the project. Packages that the engine has come from there and from nowhere
 * else. What else is needed is chosen and fetched by pip once; from then on a lock says what it is, by hash, and no
 * network is needed. Nothing of a package is run.
 * @throws UsageError `compile`
 */
export async function dependenciesOf(request: DependencyRequest): Promise<Dependencies> {
  const found = await findRequirements(request.file, request);
  const packages = found?.packages.filter((each) => !isProvided(each, request)) ?? [];
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

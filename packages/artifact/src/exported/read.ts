import { closeSync, fstatSync } from "node:fs";
import { breath, grouped, isLong, LIMITS, type ProgramManifest, UsageError } from "@capsule-run/protocol";
import { keepsBundle } from "../keeps.ts";
import { FORMAT, originOf, parseManifest, readManifest } from "./manifest.ts";
import { DIGEST_BYTES, SECTIONS } from "./sections.ts";
import { type Stamp, sameStamp, stampOf } from "./stamp.ts";
import { openToRead, readAt, type Section, type Walk, walk } from "./walk.ts";

/** An artifact that is whole and of this version; whether its engine and its snapshot are any good is not known yet. */
export interface ExportedFile {
  readonly manifest: ProgramManifest;
  readonly globals: readonly number[];
  /** See `differenceTo`. */
  readonly snapshot: Uint8Array;
  /** Empty if there is none. */
  readonly bundle: Uint8Array;
  readonly sourceMap: string;
  /** SHA-256 of all that the file says, in hex. */
  readonly digest: string;
  readonly stamp: Stamp;
  /** Whether its engine code is that of a module on this machine, byte for byte. */
  hasEngine(module: string): Promise<boolean>;
}

/** Bytes that are read, hashed or compared at a time. */
const CHUNK = 256 * 1024;

const refuse = (given: string, why: string): UsageError => new UsageError("artifact", `${given} ${why}`);

/**
 * Reads an exported artifact. Whatever is not exactly what this version writes is refused.
 * @param given the path as the user wrote it
 * @param version Capsule's
 * @throws UsageError
 */
export async function readExported(path: string, given: string, version: string): Promise<ExportedFile> {
  const file = open(path, given);
  try {
    return await readOpen(file, path, given, version);
  } finally {
    closeSync(file);
  }
}

function open(path: string, given: string): number {
  try {
    return openToRead(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new UsageError("file-not-found", `there is no file ${given}`);
    throw new UsageError("artifact", `${given} can't be read (${code})`, { cause: error });
  }
}

async function readOpen(file: number, path: string, given: string, version: string): Promise<ExportedFile> {
  const stat = fstatSync(file, { bigint: true });
  if (!stat.isFile())
    throw refuse(given, `is ${stat.isDirectory() ? "a folder" : "no regular file"}, not an artifact`);
  const stamp = stampOf(stat);
  const size = Number(stat.size);
  if (size > LIMITS.artifactBytes)
    throw refuse(
      given,
      `has ${grouped(size)} bytes; an artifact has at most ${grouped(LIMITS.artifactBytes)}`,
    );
  const found = walk(file, size);
  const digest = digestSection(found, given);
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (let at = 0; at < found.engine; at += CHUNK) {
    if (isLong()) await breath();
    hash.update(readAt(file, at, Math.min(CHUNK, found.engine - at)));
  }
  const rest = await readTo(file, found.engine, size);
  const content = ({ content, end }: Section): Buffer =>
    rest.subarray(content - found.engine, end - found.engine);
  for (let at = 0; at < digest.start - found.engine; at += CHUNK) {
    if (isLong()) await breath();
    hash.update(rest.subarray(at, Math.min(at + CHUNK, digest.start - found.engine)));
  }
  const sum = hash.digest();
  if (!sum.equals(content(digest)))
    throw refuse(
      given,
      "is damaged: its content is not what its digest says; copy it again, or export it again",
    );
  const sections = namedSections(found.sections, given);
  const parsed = parseManifest(content(sections.manifest));
  if (!parsed) throw refuse(given, "is forged: its manifest is no JSON");
  const origin = originOf(parsed);
  if (origin.format !== FORMAT || origin.capsule !== version)
    throw otherVersion(given, origin.capsule, version);
  const checked = readManifest(parsed);
  if (!checked.ok) throw refuse(given, `is forged: its manifest has a wrong ${checked.wrong}`);
  const { manifest, globals } = checked;
  // Copies: what is kept must not hold the whole file in memory.
  const bundle = sections.program ? Uint8Array.from(content(sections.program)) : new Uint8Array(0);
  if (bundle.length > 0 !== keepsBundle(manifest))
    throw refuse(given, "is forged: its manifest and its sections contradict each other");
  return {
    manifest,
    globals,
    snapshot: content(sections.snapshot),
    bundle,
    sourceMap: content(sections.sourceMap).toString(),
    digest: sum.toString("hex"),
    stamp,
    hasEngine: (module) => beginsWith(path, stamp, found.engine, module),
  };
}

/** What an open file has from one position to another. */
async function readTo(file: number, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(to - from);
  for (let at = from; at < to; at += CHUNK) {
    if (isLong()) await breath();
    const part = readAt(file, at, Math.min(CHUNK, to - at));
    part.copy(bytes, at - from);
    // What was cut off meanwhile is zeros, which its digest shows.
    if (part.length < Math.min(CHUNK, to - at)) bytes.fill(0, at - from + part.length);
  }
  return bytes;
}

function otherVersion(given: string, theirs: string, ours: string): UsageError {
  const by = theirs === "" ? "an unknown version of Capsule" : `Capsule ${theirs}`;
  const told = theirs === "" || theirs === ours ? "another format" : by;
  return refuse(
    given,
    `was made by ${theirs === ours ? `Capsule ${theirs} in ${told}` : by}, this is Capsule ${ours}: run it with the version that made it, or export it again from its source`,
  );
}

/** The section at the end that says what all before it has to be. */
function digestSection({ wasm, sections, ends, engine }: Walk, given: string): Section {
  if (!wasm) throw refuse(given, "is no WebAssembly module, so no artifact");
  const last = sections.at(-1);
  if (ends === "early")
    throw refuse(
      given,
      "is truncated: it ends in the middle of a section; copy it again, or export it again",
    );
  if (sections.length === 0)
    throw ends === "well"
      ? refuse(
          given,
          "is a WebAssembly module, but not an artifact of Capsule's: those are made by `capsule build --export`",
        )
      : refuse(
          given,
          `is no WebAssembly module that could be an artifact: it is malformed at byte ${engine}`,
        );
  if (ends === "well" && last?.name === SECTIONS.digest && last.end - last.content === DIGEST_BYTES)
    return last;
  if (ends === "well" && !sections.some(({ name }) => name === SECTIONS.digest))
    throw refuse(given, "is truncated: its last sections are missing; copy it again, or export it again");
  throw refuse(given, "is damaged: it does not end with its digest; copy it again, or export it again");
}

interface NamedSections {
  readonly manifest: Section;
  readonly snapshot: Section;
  readonly program: Section | null;
  readonly sourceMap: Section;
}

/** Exactly ours, each once, in order, without anything between them. */
function namedSections(sections: readonly Section[], given: string): NamedSections {
  const { program, ...others } = SECTIONS;
  const names = sections.map(({ name }) => name);
  const without = names.filter((name) => name !== program);
  const fits = [Object.values(SECTIONS), Object.values(others)].some(
    (wanted) => wanted.join() === names.join(),
  );
  if (!fits || without.length !== Object.keys(others).length)
    throw refuse(given, "is forged: its sections are not those that Capsule writes");
  const find = (name: string): Section => sections.find((section) => section.name === name) as Section;
  return {
    manifest: find(SECTIONS.manifest),
    snapshot: find(SECTIONS.snapshot),
    program: names.includes(program) ? find(program) : null,
    sourceMap: find(SECTIONS.sourceMap),
  };
}

/** Compares the first `length` bytes of a file with the whole of another one, a part at a time. */
async function beginsWith(path: string, stamp: Stamp, length: number, module: string): Promise<boolean> {
  const [file, engine] = [openToRead(path), openToRead(module)];
  try {
    if (!sameStamp(stampOf(fstatSync(file, { bigint: true })), stamp) || fstatSync(engine).size !== length)
      return false;
    for (let at = 0; at < length; at += CHUNK) {
      const part = Math.min(CHUNK, length - at);
      if (isLong()) await breath();
      if (!readAt(file, at, part).equals(readAt(engine, at, part))) return false;
    }
    return true;
  } finally {
    closeSync(file);
    closeSync(engine);
  }
}

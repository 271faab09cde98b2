import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CAPSULE_FOLDER } from "@capsule-run/protocol";
import { fingerprintInParts, textFingerprint } from "./fingerprint.ts";
import { type Artifact, decodeArtifact, encodeArtifact, type StoredArtifact } from "./format.ts";
import { bytesOf, type Input, unchanged } from "./inputs.ts";
import { prune } from "./prune.ts";

/** What a compiled program is looked up by. */
export interface Entry {
  /** The program's file, absolute. */
  readonly file: string;
  /** Capsule's version. */
  readonly version: string;
  /** Content hash of the engine. */
  readonly engine: string;
}

/** Whether an artifact is in the cache now. If not, it was no use trying: the caller says so once and goes on. */
export type Written =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * Compiled programs as plain files in one folder: `index/` says which artifact a source file became and what decided
 * that, `programs/` holds the artifacts. Any number of processes may use it at once, and it may be deleted at any
 * time. Whatever in it is not whole is treated as absent; nothing here throws. Nothing here keeps the event loop for long
 * either, and what is small is done at once.
 */
export interface ArtifactCache {
  /** The key of the artifact that an entry's file became, if bundling it again would give the same; else null. */
  lookUp(entry: Entry): Promise<string | null>;
  read(key: string): Promise<StoredArtifact | null>;
  /** The source map of an artifact, as JSON. */
  readSourceMap(key: string): Promise<string | null>;
  /** `inputs` null: what decided the bundle is not known for sure, so the artifact is kept but not found by `lookUp`. */
  write(entry: Entry, inputs: readonly Input[] | null, artifact: Artifact): Promise<Written>;
}

/** @param dir an absolute path, usually `<root>/.capsule/cache`; it is made when first written to */
export function openCache(dir: string): ArtifactCache {
  const indexFile = (entry: Entry) => join(dir, "index", `${indexName(entry)}.json`);
  const programFile = (key: string) => join(dir, "programs", `${key}.capsule`);
  const mapFile = (key: string) => join(dir, "programs", `${key}.map`);
  const indexes = new Map<string, Index>();
  return {
    async lookUp(entry) {
      const path = indexFile(entry);
      // What it says holds as long as its questions have their answers, whatever became of the file.
      const known = indexes.get(path);
      if (known && (await unchanged(known.inputs))) return known.key;
      const index = await readIndex(path);
      if (!index || !sameEntry(index.entry, entry) || !(await unchanged(index.inputs))) return null;
      indexes.set(path, index);
      return index.key;
    },
    async read(key) {
      const path = programFile(key);
      const file = await readIfThere(path);
      const artifact = file && (await decodeArtifact(file, key));
      if (artifact) touch(path);
      return artifact;
    },
    readSourceMap: async (key) => sealedText(await readIfThere(mapFile(key))),
    async write(entry, inputs, artifact) {
      try {
        await undeleted(() => ignore(dir));
        indexes.delete(indexFile(entry));
        const { key } = artifact;
        await writeWhole(mapFile(key), await seal(artifact.sourceMap));
        await writeWhole(programFile(key), await encodeArtifact(artifact));
        const index: Index = { format: FORMAT, entry, key, inputs: inputs ?? [] };
        // Last, so that what it names is there.
        if (inputs) await writeWhole(indexFile(entry), await seal(JSON.stringify(index)));
        prune(dir);
        return { ok: true };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return { ok: false, code: code ?? "unknown", message };
      }
    },
  };
}

const FORMAT = 1;

interface Index {
  readonly format: number;
  readonly entry: Entry;
  readonly key: string;
  readonly inputs: readonly Input[];
}

const indexName = ({ file, version, engine }: Entry) => textFingerprint([file, version, engine].join("\0"));

const sameEntry = (a: Entry, b: Entry) =>
  a.file === b.file && a.version === b.version && a.engine === b.engine;

async function readIndex(path: string): Promise<Index | null> {
  const text = await sealedText(await readIfThere(path));
  if (text === null) return null;
  try {
    const index = JSON.parse(text) as Index;
    return index.format === FORMAT ? index : null;
  } catch {
    return null;
  }
}

/** Text with its fingerprint before it. */
async function seal(text: string): Promise<Buffer> {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${await fingerprintInParts(bytes)}\n`), bytes]);
}

async function sealedText(file: Buffer | null): Promise<string | null> {
  if (!file) return null;
  const text = file.subarray(17);
  const whole = file.toString("latin1", 0, 17) === `${await fingerprintInParts(text)}\n`;
  return whole ? text.toString() : null;
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    // An exception takes longer than the question.
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat ? await bytesOf(path, stat.size) : null;
  } catch {
    return null;
  }
}

const DAY = 24 * 60 * 60 * 1000;

/** Marks an artifact as used, at most once a day. */
function touch(path: string): void {
  try {
    const now = Date.now();
    if (now - statSync(path).mtimeMs > DAY) utimesSync(path, now / 1000, now / 1000);
  } catch {
    // It may be pruned earlier, then.
  }
}

let counter = 0;

/**
 * Puts a file in place whole: others see the old one or the new one. Not flushed to the disk: what a crash of the
 * machine leaves of it is noticed when it is read.
 */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const temporary = `${path}.${process.pid}.${counter++}.${Math.random().toString(36).slice(2)}.tmp`;
  const { mkdir, rename, writeFile } = await import("node:fs/promises");
  await undeleted(async () => {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

const TRIES = 20;
/** The second is what Node's recursive `mkdir` says of a folder that goes away beneath it. */
const DELETED = new Set<string | undefined>(["ENOENT", "ENOTDIR"]);

/** Does what needs a folder, again if somebody deleted that in between. */
async function undeleted(act: () => void | Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await act();
      return;
    } catch (error) {
      if (!DELETED.has((error as NodeJS.ErrnoException).code) || tries === TRIES) throw error;
    }
  }
}

/** `.capsule` in a project is nobody's to commit. */
function ignore(dir: string): void {
  const parent = dirname(dir);
  if (basename(parent) !== CAPSULE_FOLDER) return;
  const path = join(parent, ".gitignore");
  mkdirSync(parent, { recursive: true });
  try {
    writeFileSync(path, "*\n", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    // It would stay empty, and nobody would write it again.
    rmSync(path, { force: true });
    throw error;
  }
}

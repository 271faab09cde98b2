import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CAPSULE_FOLDER } from "@capsule-run/protocol";
import { textFingerprint } from "./fingerprint.ts";
import { type Artifact, decodeArtifact, encodeArtifact, type StoredArtifact } from "./format.ts";
import { type Input, unchanged } from "./inputs.ts";
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
 * time. Whatever in it is not whole is treated as absent; nothing here throws.
 */
export interface ArtifactCache {
  /** The key of the artifact that an entry's file became, if bundling it again would give the same; else null. */
  lookUp(entry: Entry): string | null;
  read(key: string): StoredArtifact | null;
  /** The source map of an artifact, as JSON. */
  readSourceMap(key: string): string | null;
  /** `inputs` null: what decided the bundle is not known for sure, so the artifact is kept but not found by `lookUp`. */
  write(entry: Entry, inputs: readonly Input[] | null, artifact: Artifact): Written;
}

/** @param dir an absolute path, usually `<root>/.capsule/cache`; it is made when first written to */
export function openCache(dir: string): ArtifactCache {
  const indexFile = (entry: Entry) => join(dir, "index", `${indexName(entry)}.json`);
  const programFile = (key: string) => join(dir, "programs", `${key}.capsule`);
  const mapFile = (key: string) => join(dir, "programs", `${key}.map`);
  const indexes = new Map<string, Index>();
  return {
    lookUp(entry) {
      const path = indexFile(entry);
      // What it says holds as long as its questions have their answers, whatever became of the file.
      const known = indexes.get(path);
      if (known && unchanged(known.inputs)) return known.key;
      const index = readIndex(path);
      if (!index || !sameEntry(index.entry, entry) || !unchanged(index.inputs)) return null;
      indexes.set(path, index);
      return index.key;
    },
    read(key) {
      const path = programFile(key);
      const file = readIfThere(path);
      const artifact = file && decodeArtifact(file, key);
      if (artifact) touch(path);
      return artifact;
    },
    readSourceMap: (key) => sealedText(readIfThere(mapFile(key))),
    write(entry, inputs, artifact) {
      try {
        undeleted(() => ignore(dir));
        indexes.delete(indexFile(entry));
        const { key } = artifact;
        writeWhole(mapFile(key), seal(artifact.sourceMap));
        writeWhole(programFile(key), encodeArtifact(artifact));
        const index: Index = { format: FORMAT, entry, key, inputs: inputs ?? [] };
        // Last, so that what it names is there.
        if (inputs) writeWhole(indexFile(entry), seal(JSON.stringify(index)));
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

function readIndex(path: string): Index | null {
  const text = sealedText(readIfThere(path));
  if (text === null) return null;
  try {
    const index = JSON.parse(text) as Index;
    return index.format === FORMAT ? index : null;
  } catch {
    return null;
  }
}

/** Text with its fingerprint before it. */
const seal = (text: string) => Buffer.from(`${textFingerprint(text)}\n${text}`);

function sealedText(file: Buffer | null): string | null {
  if (!file) return null;
  const text = file.toString("utf8", 17);
  return file.toString("latin1", 0, 17) === `${textFingerprint(text)}\n` ? text : null;
}

function readIfThere(path: string): Buffer | null {
  try {
    // An exception takes longer than the question.
    return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path) : null;
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
function writeWhole(path: string, bytes: Buffer): void {
  const temporary = `${path}.${process.pid}.${counter++}.${Math.random().toString(36).slice(2)}.tmp`;
  undeleted(() => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, bytes);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

const TRIES = 20;

/** Does what needs a folder, again if somebody deleted that in between. */
function undeleted(act: () => void): void {
  for (let tries = 1; ; tries++) {
    try {
      act();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === TRIES) throw error;
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

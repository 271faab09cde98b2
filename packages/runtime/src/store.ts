import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Artifact,
  type ArtifactCache,
  artifactKey,
  type Entry,
  type Input,
  observe,
  openCache,
  type StoredArtifact,
} from "@capsule-run/artifact";
import type { EngineInfo } from "@capsule-run/guest-javascript/drive";
import { LIMITS } from "@capsule-run/protocol";
import type { CellPool } from "./cells.ts";
import { guestSdk } from "./parts.ts";
import { checkManifest, loadProgram, type Program, readReport, type Source } from "./program.ts";

/** The rules by which programs are loaded; a change of them makes every artifact anew. */
const RULES = "1";

export interface StoreOptions {
  readonly version: string;
  readonly engine: EngineInfo;
  readonly cells: CellPool;
  readonly cwd: string;
  readonly warn: (message: string) => void;
}

/** A program file in its project. */
export interface ProgramFile {
  /** Absolute. */
  readonly path: string;
  /** As the user wrote it. */
  readonly given: string;
  readonly root: string;
  /** Where its artifact is kept. */
  readonly cacheDir: string;
}

/** Compiled programs: in memory, on disk, or made when needed. */
export class ProgramStore {
  readonly #options: StoreOptions;
  readonly #caches = new Map<string, ArtifactCache>();
  /** The newest of each file. */
  readonly #programs = new Map<string, { readonly key: string; readonly program: Program }>();
  readonly #making = new Map<string, Promise<Program>>();
  #temporary: string | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** @throws UsageError */
  get(file: ProgramFile): Promise<Program> {
    const entry = this.#entry(file);
    const key = this.#cache(file).lookUp(entry);
    const known = this.#programs.get(file.path);
    if (known && known.key === key) return Promise.resolve(known.program);
    const stored = key === null ? null : this.#cache(file).read(key);
    if (stored) return Promise.resolve(this.#remember(file, stored, true));
    const under = this.#making.get(file.path);
    // What is being made may be of an older text: ask again when it is there.
    if (under)
      return under.then((program) =>
        this.#programs.get(file.path)?.key === this.#cache(file).lookUp(entry) ? program : this.get(file),
      );
    const making = this.#make(file, entry).finally(() => this.#making.delete(file.path));
    this.#making.set(file.path, making);
    return making;
  }

  /** Removes what was kept only for this runtime. */
  close(): void {
    if (this.#temporary) rmSync(this.#temporary, { recursive: true, force: true });
  }

  async #make(file: ProgramFile, entry: Entry): Promise<Program> {
    const { version, engine, cells, cwd, warn } = this.#options;
    const { bundleProgram } = await import("@capsule-run/guest-javascript/bundle");
    const bundle = await bundleProgram({ file: file.path, root: file.root, sdk: guestSdk(), cwd });
    // Now, while the disk is as it was bundled from; loading may take a while.
    const inputs = observe(bundle.inputs, bundle.readAt);
    for (const warning of bundle.warnings) warn(warning);
    const key = artifactKey({ code: bundle.code, engine: engine.hash, version, rules: RULES });
    const source: Source = {
      key,
      engine: engine.hash,
      file: file.given,
      root: file.root,
      cwd,
      code: bundle.code,
      sourceMap: bundle.sourceMap,
    };
    const stored = this.#cache(file).read(key);
    const { manifest, artifact } = stored ? fromStored(stored) : await loadProgram(source, cells);
    checkManifest(manifest, file.given, Math.max(engine.floor, sandboxBytes(artifact.pages)));
    const { globals, pages } = artifact;
    const { sourceMap } = bundle;
    const made: Artifact = { key, manifest, globals, pages, bundle: artifact.bundle, sourceMap };
    this.#write(file, entry, inputs, made);
    return this.#remember(file, made, false, sourceMap);
  }

  #write(file: ProgramFile, entry: Entry, inputs: readonly Input[] | null, artifact: Artifact): void {
    const written = this.#cache(file).write(entry, inputs, artifact);
    if (written.ok || this.#temporary) return;
    this.#options.warn(`${file.cacheDir} can't be written (${written.code}): using a temporary cache`);
    this.#temporary = mkdtempSync(join(tmpdir(), "capsule-"));
    this.#caches.clear();
    this.#cache(file).write(entry, inputs, artifact);
  }

  #remember(file: ProgramFile, stored: StoredArtifact, cached: boolean, sourceMap?: string): Program {
    const { manifest } = stored;
    const cache = this.#cache(file);
    const map = (): string => sourceMap ?? cache.readSourceMap(stored.key) ?? "";
    const program: Program = {
      file: file.given,
      manifest,
      tasks: new Map(manifest.tasks.map((task) => [task.name, task])),
      artifact: fromStored(stored).artifact,
      cached,
      describe: (report) => this.#describe(report, map(), file),
      translate: async (text) => {
        const { translatePlaces } = await import("@capsule-run/guest-javascript/trace");
        return translatePlaces(text, map(), { root: file.root, cwd: this.#options.cwd });
      },
    };
    this.#programs.set(file.path, { key: stored.key, program });
    return program;
  }

  async #describe(report: Uint8Array, sourceMap: string, file: ProgramFile): Promise<string> {
    const { translateReport } = await import("@capsule-run/guest-javascript/trace");
    const given = readReport(Buffer.from(report.subarray(0, LIMITS.errorCharacters * 8)).toString());
    return translateReport(given, sourceMap, { root: file.root, cwd: this.#options.cwd }).message;
  }

  #entry({ path }: ProgramFile): Entry {
    return { file: path, version: this.#options.version, engine: this.#options.engine.hash };
  }

  #cache({ cacheDir }: ProgramFile): ArtifactCache {
    const dir = this.#temporary ?? cacheDir;
    const cache = this.#caches.get(dir) ?? openCache(dir);
    this.#caches.set(dir, cache);
    return cache;
  }
}

const fromStored = ({ key, manifest, globals, pages, bundle }: StoredArtifact) => ({
  manifest,
  artifact: { hash: key, globals, pages, bundle },
});

/** Bytes of memory a sandbox of the program starts with. */
const sandboxBytes = (pages: Uint8Array): number =>
  pages.length < 4
    ? 0
    : new DataView(pages.buffer, pages.byteOffset, pages.length).getUint32(0, true) + 256 * 1024;

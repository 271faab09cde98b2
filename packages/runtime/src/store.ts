import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative, sep } from "node:path";
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
import { LIMITS, type ProgramManifest } from "@capsule-run/protocol";
import type { Progress } from "./api.ts";
import type { CellArtifact } from "./cell.ts";
import type { Crew, Fleet } from "./engines.ts";
import { type Bundle, type LanguageSupport, languageOf } from "./languages.ts";
import { checkManifest, loadProgram, type Program, readReport, type Source } from "./program.ts";

/** The rules by which programs are loaded; a change of them makes every artifact anew. */
const RULES = "2";

export interface StoreOptions {
  readonly version: string;
  readonly fleet: Fleet;
  readonly cwd: string;
  readonly warn: (message: string) => void;
  readonly progress: (step: Progress | null) => void;
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
  /** Entries of the cache that hold for this release, by language. */
  readonly #releases = new Map<LanguageSupport, string>();
  #temporary: string | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** @throws UsageError */
  get(file: ProgramFile): Promise<Program> {
    const language = languageOf(file.path);
    const release = this.#releases.get(language);
    if (release !== undefined) return this.#get(file, language, release);
    return this.#options.fleet.release(language.name).then((found) => {
      this.#releases.set(language, found);
      return this.#get(file, language, found);
    });
  }

  /** Removes what was kept only for this runtime. */
  close(): void {
    if (this.#temporary) rmSync(this.#temporary, { recursive: true, force: true });
  }

  #get(file: ProgramFile, language: LanguageSupport, release: string): Promise<Program> {
    const entry = { file: file.path, version: this.#options.version, engine: release };
    const key = this.#cache(file).lookUp(entry);
    const known = this.#programs.get(file.path);
    if (known && known.key === key) return Promise.resolve(known.program);
    const stored = key === null ? null : this.#cache(file).read(key);
    if (stored) return this.#recall(file, entry, language, stored);
    const under = this.#making.get(file.path);
    // What is being made may be of an older text: ask again when it is there.
    if (under)
      return under.then((program) =>
        this.#programs.get(file.path)?.key === this.#cache(file).lookUp(entry) ? program : this.get(file),
      );
    return this.#share(file, () => this.#make(file, entry, language, null));
  }

  #share(file: ProgramFile, make: () => Promise<Program>): Promise<Program> {
    const making = make().finally(() => this.#making.delete(file.path));
    this.#making.set(file.path, making);
    return making;
  }

  /** Takes an artifact from the cache for the engine it was made for. */
  async #recall(
    file: ProgramFile,
    entry: Entry,
    language: LanguageSupport,
    stored: StoredArtifact,
  ): Promise<Program> {
    const { variant } = stored.manifest;
    const crew = await this.#options.fleet.crew(language.name, variant);
    return this.#remember(file, entry, language, crew, stored, true);
  }

  /** @param need what is known to need the full variant of the engine, in words */
  async #make(
    file: ProgramFile,
    entry: Entry,
    language: LanguageSupport,
    need: string | null,
  ): Promise<Program> {
    const { fleet, cwd, warn, progress } = this.#options;
    const onProgress = (text: string): void => progress({ text, done: 0, total: 0 });
    const bundle = await language.bundle({ file: file.path, root: file.root, cwd, need, onProgress });
    progress(null);
    // Now, while the disk is as it was bundled from; loading may take a while.
    const inputs = observe(bundle.inputs, bundle.readAt);
    for (const warning of bundle.warnings) warn(warning);
    const crew = await fleet.crew(language.name, bundle.needs.length > 0 ? "full" : "core");
    const made = await this.#load(file, language, bundle, crew);
    if (made.artifact === null) return this.#make(file, entry, language, `loading it got to ${made.lacks}`);
    this.#write(file, entry, inputs, made.artifact);
    return this.#remember(file, entry, language, crew, made.artifact, false, bundle.sourceMap);
  }

  /** Loads a bundle on an engine, unless it is in the cache; or says what that engine lacks. */
  async #load(
    file: ProgramFile,
    language: LanguageSupport,
    bundle: Bundle,
    crew: Crew,
  ): Promise<
    { readonly lacks: ""; readonly artifact: Artifact } | { readonly lacks: string; readonly artifact: null }
  > {
    const { version, cwd } = this.#options;
    const { code, sourceMap, needs } = bundle;
    const shown = shownFrom(cwd, file);
    const key = artifactKey({ code, engine: crew.engine.hash, version, rules: RULES });
    const source: Source = { key, language, file: shown, root: file.root, cwd, code, needs, sourceMap };
    const stored = this.#cache(file).read(key);
    const loaded = stored ? { lacks: "" as const, ...fromStored(stored) } : await loadProgram(source, crew);
    if (loaded.manifest === null) return { lacks: loaded.lacks, artifact: null };
    const { manifest, artifact } = loaded;
    const floor = Math.max(crew.engine.floor, sandboxBytes(artifact.pages));
    checkManifest(manifest, shown, floor, language.example);
    const { globals, pages } = artifact;
    return { lacks: "", artifact: { key, manifest, globals, pages, bundle: artifact.bundle, sourceMap } };
  }

  #write(file: ProgramFile, entry: Entry, inputs: readonly Input[] | null, artifact: Artifact): void {
    const written = this.#cache(file).write(entry, inputs, artifact);
    if (written.ok || this.#temporary) return;
    this.#options.warn(`${file.cacheDir} can't be written (${written.code}): using a temporary cache`);
    try {
      this.#temporary = mkdtempSync(join(tmpdir(), "capsule-"));
    } catch {
      // Then it is kept nowhere, and made again when it is asked for again.
      return;
    }
    this.#caches.clear();
    this.#cache(file).write(entry, inputs, artifact);
  }

  #remember(
    file: ProgramFile,
    entry: Entry,
    language: LanguageSupport,
    { cells }: Crew,
    stored: StoredArtifact,
    cached: boolean,
    sourceMap?: string,
  ): Program {
    const { manifest } = stored;
    const cache = this.#cache(file);
    const map = (): string => sourceMap ?? cache.readSourceMap(stored.key) ?? "";
    const view = { root: file.root, cwd: this.#options.cwd };
    const program: Program = {
      file: file.given,
      manifest,
      tasks: new Map(manifest.tasks.map((task) => [task.name, task])),
      artifact: fromStored(stored).artifact,
      cells,
      cached,
      placeMarks: language.placeMarks,
      describe: async (report) => {
        const given = readReport(Buffer.from(report.subarray(0, LIMITS.errorCharacters * 8)).toString());
        return (await language.trace()).report(given, map(), view).message;
      },
      translate: async (text) => (await language.trace()).places(text, map(), view),
      complete: () =>
        this.#making.get(file.path) ?? this.#share(file, () => this.#make(file, entry, language, "full")),
    };
    this.#programs.set(file.path, { key: stored.key, program });
    return program;
  }

  #cache({ cacheDir }: ProgramFile): ArtifactCache {
    const dir = this.#temporary ?? cacheDir;
    const cache = this.#caches.get(dir) ?? openCache(dir);
    this.#caches.set(dir, cache);
    return cache;
  }
}

/** A program's file as a user would write it: from the working directory, if it lies there. */
function shownFrom(cwd: string, { path, given }: ProgramFile): string {
  const inside = relative(cwd, path);
  return isAbsolute(inside) || inside.split(sep)[0] === ".." ? given : inside;
}

const fromStored = ({
  key,
  manifest,
  globals,
  pages,
  bundle,
}: StoredArtifact): { readonly manifest: ProgramManifest; readonly artifact: CellArtifact } => ({
  manifest,
  artifact: { hash: key, globals, pages, snapshot: manifest.snapshot, bundle },
});

/** Bytes of memory a sandbox of the program starts with. */
const sandboxBytes = (pages: Uint8Array): number =>
  pages.length < 4
    ? 0
    : new DataView(pages.buffer, pages.byteOffset, pages.length).getUint32(0, true) + 256 * 1024;

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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
import type { Exported } from "@capsule-run/artifact/exported";
import type { Variables } from "@capsule-run/config";
import { breath, isLong, type ProgramManifest, UsageError } from "@capsule-run/protocol";
import type { Progress } from "./api.ts";
import type { CellArtifact } from "./cell.ts";
import type { Crew, Fleet } from "./engines.ts";
import { ExportedPrograms, exportedPath, isExported, type ProgramPath } from "./exported.ts";
import { type Bundle, type LanguageSupport, languageOf } from "./languages.ts";
import { capsuleLicence } from "./parts.ts";
import { checkManifest, loadProgram, type Program, programOf, type Source, sandboxBytes } from "./program.ts";
import { shownFrom } from "./shown.ts";

/** The rules by which programs are loaded; a change of them makes every artifact anew. */
const RULES = "4";

export interface StoreOptions {
  readonly version: string;
  readonly fleet: Fleet;
  readonly cwd: string;
  readonly warn: (message: string) => void;
  /** A program's cache can't be written: a temporary one is used. */
  readonly unwritable: (file: ProgramFile, code: string) => void;
  readonly progress: (step: Progress | null) => void;
}

/** A source file in its project. */
export interface ProgramFile extends ProgramPath {
  /** Where its artifact is kept. */
  readonly cacheDir: string;
  readonly variables: Variables;
  /** Folders of the project, sorted, that files other than code may be taken from; null: all. */
  readonly data: readonly string[] | null;
}

/** What programs of one file are told apart by, while they are made. */
const nameOf = ({ path, data }: ProgramFile): string => `${path}\0${JSON.stringify(data)}`;

/** Compiled programs: in memory, on disk, or made when needed. */
export class ProgramStore {
  readonly #options: StoreOptions;
  readonly #caches = new Map<string, ArtifactCache>();
  /** The newest of each file. */
  readonly #programs = new Map<
    string,
    { readonly name: string; readonly key: string; readonly program: Program }
  >();
  readonly #making = new Map<string, Promise<Program>>();
  /** Entries of the cache that hold for this release, by language. */
  readonly #releases = new Map<LanguageSupport, string>();
  readonly #exported: ExportedPrograms;
  #temporary: string | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#exported = new ExportedPrograms(options);
  }

  /** @throws UsageError */
  get(file: ProgramFile): Promise<Program> {
    if (isExported(file.path)) return this.#exported.get(file);
    const language = languageOf(file.path);
    const release = this.#releases.get(language);
    if (release !== undefined) return this.#get(file, language, release);
    return this.#options.fleet.release(language.name).then((found) => {
      this.#releases.set(language, found);
      return this.#get(file, language, found);
    });
  }

  /**
   * Compiles a program and writes it beside its source, whole. Bundles it anew and takes nothing from the index of the
   * cache, which also knows what runs have found out: the same source gives the same file.
   * @throws UsageError
   */
  async export(
    file: ProgramFile,
  ): Promise<Pick<Program, "manifest" | "artifact" | "cached"> & { readonly exported: Exported }> {
    if (isExported(file.path)) throw new UsageError("artifact", `${file.given} is an artifact already`);
    const language = languageOf(file.path);
    const release = await this.#options.fleet.release(language.name);
    const entry = this.#entry(file, release);
    const made = await this.#compile(file, language, null);
    if ((await this.#cache(file).lookUp(entry)) === null)
      await this.#write(file, entry, made.inputs, made.artifact);
    const { manifest, globals, bundle, sourceMap } = made.artifact;
    const { engine } = made.crew;
    const { applied } = await import("@capsule-run/wasm/host");
    const { wholeMemory, writeExported } = await import("@capsule-run/artifact/exported");
    const snapshot = wholeMemory(applied(made.artifact.pages, await engine.parts.image()));
    const path = exportedPath(file.path);
    const exported = writeExported(
      path,
      shownFrom(this.#options.cwd, { path, given: exportedPath(file.given) }),
      {
        version: this.#options.version,
        engine: readFileSync(engine.parts.module),
        ...{ manifest, globals, snapshot, bundle, sourceMap },
        licences: `${readFileSync(capsuleLicence(), "utf8")}\n${engine.parts.licences()}`,
      },
    );
    return { ...fromStored(made.artifact), cached: made.cached, exported };
  }

  /** Removes what was kept only for this runtime. */
  close(): void {
    if (this.#temporary) rmSync(this.#temporary, { recursive: true, force: true });
  }

  async #get(file: ProgramFile, language: LanguageSupport, release: string): Promise<Program> {
    const entry = this.#entry(file, release);
    const key = await this.#cache(file).lookUp(entry);
    const known = this.#programs.get(file.path);
    if (known?.name === nameOf(file) && known.key === key) return known.program;
    const stored = key === null ? null : await this.#cache(file).read(key);
    if (stored) return this.#recall(file, entry, language, stored);
    const under = this.#making.get(nameOf(file));
    if (under) {
      const program = await under;
      // It may be of an older text: ask again now that it is there.
      return program.artifact.hash === (await this.#cache(file).lookUp(entry)) ? program : this.get(file);
    }
    return this.#share(file, () => this.#make(file, entry, language, null));
  }

  #entry({ path, data }: ProgramFile, release: string): Entry {
    const engine = data === null ? release : `${release} ${JSON.stringify(data)}`;
    return { file: path, version: this.#options.version, engine };
  }

  #share(file: ProgramFile, make: () => Promise<Program>): Promise<Program> {
    const name = nameOf(file);
    const making = make().finally(() => this.#making.delete(name));
    this.#making.set(name, making);
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
    const { inputs, artifact, crew } = await this.#compile(file, language, need);
    await this.#write(file, entry, inputs, artifact);
    return this.#remember(file, entry, language, crew, artifact, false, artifact.sourceMap);
  }

  /** Bundles and loads a program, on the variant of the engine that has what it needs. */
  async #compile(file: ProgramFile, language: LanguageSupport, need: string | null): Promise<Compiled> {
    const { fleet, cwd, warn, progress } = this.#options;
    const onProgress = (text: string): void => progress({ text, done: 0, total: 0 });
    const bundle = await language.bundle({
      ...{ file: file.path, root: file.root, data: file.data, cwd },
      ...{ need, onProgress },
    });
    progress(null);
    // Now, while the disk is as it was bundled from; loading may take a while.
    const inputs = await observe(bundle.inputs, bundle.readAt);
    for (const warning of bundle.warnings) warn(warning);
    const crew = await fleet.crew(language.name, bundle.needs.length > 0 ? "full" : "core");
    const made = await this.#load(file, language, bundle, crew);
    if (made.artifact === null) return this.#compile(file, language, `loading it got to ${made.lacks}`);
    return { inputs, artifact: made.artifact, crew, cached: made.cached };
  }

  /** Loads a bundle on an engine, unless it is in the cache; or says what that engine lacks. */
  async #load(
    file: ProgramFile,
    language: LanguageSupport,
    bundle: Bundle,
    crew: Crew,
  ): Promise<
    | { readonly lacks: ""; readonly artifact: Artifact; readonly cached: boolean }
    | { readonly lacks: string; readonly artifact: null }
  > {
    const { version, cwd } = this.#options;
    const { code, sourceMap, needs } = bundle;
    const shown = shownFrom(cwd, file);
    const key = await artifactKey({ code, sourceMap, engine: crew.engine.hash, version, rules: RULES });
    const text = Buffer.from(code.buffer, code.byteOffset, code.length);
    const variables: string[] = [];
    for (const name of file.variables.names()) {
      if (isLong()) await breath();
      if (text.includes(name)) variables.push(name);
    }
    const about = { key, language, file: shown, root: file.root, cwd, variables };
    const source: Source = { ...about, code, needs, sourceMap };
    const stored = await this.#cache(file).read(key);
    const loaded = stored ? { lacks: "" as const, ...fromStored(stored) } : await loadProgram(source, crew);
    if (loaded.manifest === null) return { lacks: loaded.lacks, artifact: null };
    const { manifest, artifact } = loaded;
    const floor = Math.max(crew.engine.floor, sandboxBytes(artifact.pages));
    checkManifest(manifest, shown, floor, language.example);
    const { globals, pages } = artifact;
    const whole = { key, manifest, globals, pages, bundle: artifact.bundle, sourceMap };
    return { lacks: "", artifact: whole, cached: stored !== null };
  }

  async #write(
    file: ProgramFile,
    entry: Entry,
    inputs: readonly Input[] | null,
    artifact: Artifact,
  ): Promise<void> {
    const written = await this.#cache(file).write(entry, inputs, artifact);
    if (written.ok || this.#temporary) return;
    this.#options.unwritable(file, written.code);
    try {
      this.#temporary = mkdtempSync(join(tmpdir(), "capsule-"));
    } catch {
      // Then it is kept nowhere, and made again when it is asked for again.
      return;
    }
    this.#caches.clear();
    await this.#cache(file).write(entry, inputs, artifact);
  }

  #remember(
    file: ProgramFile,
    entry: Entry,
    language: LanguageSupport,
    { engine, cells }: Crew,
    stored: StoredArtifact,
    cached: boolean,
    sourceMap?: string,
  ): Program {
    const cache = this.#cache(file);
    const program = programOf({
      file: file.given,
      ...fromStored(stored),
      cells,
      engineFloor: engine.floor,
      cached,
      language,
      view: { root: file.root, cwd: this.#options.cwd },
      sourceMap: async () => sourceMap ?? (await cache.readSourceMap(stored.key)) ?? "",
      complete: (_, root) =>
        this.#making.get(nameOf(file)) ??
        this.#share(file, () => this.#make({ ...file, root }, entry, language, "full")),
    });
    this.#programs.set(file.path, { name: nameOf(file), key: stored.key, program });
    return program;
  }

  #cache({ cacheDir }: ProgramFile): ArtifactCache {
    const dir = this.#temporary ?? cacheDir;
    const cache = this.#caches.get(dir) ?? openCache(dir);
    this.#caches.set(dir, cache);
    return cache;
  }
}

/** A program that was bundled and loaded. */
interface Compiled {
  /** What decided it; null: that is not known for sure. */
  readonly inputs: readonly Input[] | null;
  readonly artifact: Artifact;
  readonly crew: Crew;
  /** Whether it had been loaded before. */
  readonly cached: boolean;
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

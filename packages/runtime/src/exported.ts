import { basename, dirname, extname, join } from "node:path";
import type { ExportedFile, Stamp } from "@capsule-run/artifact/exported";
import { LIMITS, type ProgramManifest, UsageError } from "@capsule-run/protocol";
import type { Crew, EngineParts, Fleet } from "./engines.ts";
import { languageNamed } from "./languages.ts";
import { checkManifest, loadProgram, type Program, programOf, type Source, sandboxBytes } from "./program.ts";
import { shownFrom } from "./shown.ts";

/** Where a program is. */
export interface ProgramPath {
  /** Absolute. */
  readonly path: string;
  /** As the user wrote it. */
  readonly given: string;
  readonly root: string;
}

/** Whether a file is an exported artifact, by its name. */
export const isExported = (file: string): boolean => extname(file) === ".wasm";

/** Where the artifact of a source file is written. */
export const exportedPath = (file: string): string =>
  join(dirname(file), `${basename(file, extname(file))}.wasm`);

/** Room for the rest of the frame in which a cell gets its pages and its program. */
const FRAME_ROOM = 1024 * 1024;

interface Options {
  readonly version: string;
  readonly fleet: Fleet;
  readonly cwd: string;
}

/** A file that was opened: as long as it has this stamp, this is what it is. */
interface Opened {
  readonly stamp: Stamp;
  /** It was changed so shortly before that its stamp proves nothing. */
  readonly hot: boolean;
  readonly digest: string;
  program: Program;
}

/** Programs from exported artifacts: kept in memory, opened again when their file has changed. */
export class ExportedPrograms {
  readonly #options: Options;
  /** The newest of each file. */
  readonly #opened = new Map<string, Opened>();
  readonly #opening = new Map<string, Promise<Program>>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** @throws UsageError for whatever is not exactly an artifact of this version */
  async get(file: ProgramPath): Promise<Program> {
    const { sameStamp, stampAt } = await import("@capsule-run/artifact/exported");
    const known = this.#opened.get(file.path);
    const stamp = known && !known.hot ? stampAt(file.path) : null;
    if (known && stamp && sameStamp(stamp, known.stamp)) return known.program;
    // What is being opened may be of an older content: ask again when it is there.
    const under = this.#opening.get(file.path);
    if (under) return under.then(() => this.get(file));
    const opening = this.#open(file).finally(() => this.#opening.delete(file.path));
    this.#opening.set(file.path, opening);
    return opening;
  }

  async #open(file: ProgramPath): Promise<Program> {
    const { isHot, readExported } = await import("@capsule-run/artifact/exported");
    const readAt = Date.now();
    const found = await readExported(file.path, shownFrom(this.#options.cwd, file), this.#options.version);
    const { digest, stamp } = found;
    const known = this.#opened.get(file.path);
    const hot = isHot(stamp, readAt);
    const program = known?.digest === digest ? known.program : await this.#check(found, file);
    const opened: Opened = { stamp, hot, digest, program };
    this.#opened.set(file.path, opened);
    return program;
  }

  /** Takes of a file what may be taken: a manifest that a source could have, and pages of memory. */
  async #check(found: ExportedFile, file: ProgramPath): Promise<Program> {
    const { manifest, globals, bundle } = found;
    const given = shownFrom(this.#options.cwd, file);
    const refuse = (why: string): UsageError => new UsageError("artifact", `${given} ${why}`);
    const language = languageNamed(manifest.language);
    const crew = await this.#options.fleet.crew(manifest.language, manifest.variant);
    const { engine } = crew;
    if (manifest.engine !== engine.hash)
      throw refuse(
        `was made with another engine, ${engineName(manifest, manifest.engine)}; this Capsule ${this.#options.version} has ${engineName(manifest, engine.hash)}: run it with the Capsule that made it, or export it again from its source`,
      );
    if (!(await found.hasEngine(engine.parts.module)))
      throw refuse("is forged: the code in it is not the engine that its manifest names");
    if (globals.length !== engine.parts.globals)
      throw refuse('is forged: its manifest has a wrong "globals"');
    const pages = await changedPages(found, engine.parts, refuse);
    try {
      await language.checkBundle(bundle);
    } catch (error) {
      throw refuse(`is forged: its program is none that Capsule writes (${(error as Error).message})`);
    }
    checkManifest(manifest, given, Math.max(engine.floor, sandboxBytes(pages)), language.example);
    return this.#program(found, pages, file, crew);
  }

  #program(found: ExportedFile, pages: Uint8Array, file: ProgramPath, { engine, cells }: Crew): Program {
    const { manifest, globals, bundle, sourceMap, digest } = found;
    const language = languageNamed(manifest.language);
    const { cwd, fleet } = this.#options;
    // Its sources are named relative to their project, wherever that was.
    const view = { root: cwd, cwd };
    const parts = { file: file.given, language, view, sourceMap: async () => sourceMap, cached: true };
    let completed: Promise<Program> | null = null;
    const complete = async (): Promise<Program> => {
      const crew = await fleet.crew(manifest.language, "full");
      const key = `${digest} full`;
      const about = { needs: ["full"], variables: [] };
      const source: Source = { ...view, key, language, file: file.given, code: bundle, sourceMap, ...about };
      const loaded = await loadProgram(source, crew);
      if (loaded.manifest === null) throw new Error(`the full engine lacks ${loaded.lacks}`);
      const program: Program = programOf({
        ...parts,
        manifest: loaded.manifest,
        artifact: loaded.artifact,
        cells: crew.cells,
        engineFloor: crew.engine.floor,
        complete: async () => program,
      });
      const opened = this.#opened.get(file.path);
      if (opened?.digest === digest) opened.program = program;
      return program;
    };
    return programOf({
      ...parts,
      manifest,
      // The digest is of everything in the file, so no other program can have this name.
      artifact: { hash: digest, globals, pages, snapshot: manifest.snapshot, bundle },
      cells,
      engineFloor: engine.floor,
      complete: () => {
        completed ??= complete();
        completed.catch(() => {
          completed = null;
        });
        return completed;
      },
    });
  }
}

const engineName = ({ language, variant }: ProgramManifest, hash: string): string =>
  `${language === "python" ? `python ${variant}` : language} ${hash.slice(0, 12)}`;

async function changedPages(
  { snapshot, bundle }: ExportedFile,
  parts: EngineParts,
  refuse: (why: string) => UsageError,
): Promise<Uint8Array> {
  const { differenceTo } = await import("@capsule-run/artifact/exported");
  const limits = { memory: LIMITS.load.ram, pages: LIMITS.frameBytes - FRAME_ROOM - bundle.length };
  const image = await parts.image();
  try {
    return await differenceTo(image, snapshot, limits);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refuse(`is forged: its snapshot is none that Capsule writes (${error.message})`);
  }
}

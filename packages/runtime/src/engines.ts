import type { ChildProcess } from "node:child_process";
import type { Language, Variant } from "@capsule-run/protocol";
import { CellPool } from "./cells.ts";

/** An engine that is ready to start cells with. */
export interface Engine {
  readonly language: Language;
  readonly variant: Variant;
  /** Content hash: what a cell must say it has. */
  readonly hash: string;
  /** Bytes of memory a sandbox takes before a program runs in it: the least a task's `ram` can be. */
  readonly floor: number;
  /** A cell's script, and the folder it may read. */
  readonly script: string;
  readonly folder: string;
  /** What exported artifacts are made of and held to. */
  readonly parts: EngineParts;
}

/** What an engine's folder holds, each read when it is asked for. */
export interface EngineParts {
  /** The path of its module. */
  readonly module: string;
  /** How many mutable globals it has. */
  readonly globals: number;
  /** The whole of its memory after its boot. */
  image(): Promise<Uint8Array>;
  /**
   * The licences of all code of others that is in module and image.
   * @throws UsageError if they are not there
   */
  licences(): string;
}

/** The engines of a release, each found, or made, when it is first asked for. */
export interface EngineSource {
  /**
   * What an artifact in the cache is looked up under: changes whenever any variant of the language's engine does.
   * @throws UsageError if the engine can't be had
   */
  release(language: Language): Promise<string>;
  /** @throws UsageError if it can't be had */
  engine(language: Language, variant: Variant): Promise<Engine>;
}

export interface FleetOptions {
  readonly engines: EngineSource;
  /** Cells at most, for each engine. */
  readonly most: number;
  /** Bytes of memory that unused instances of one cell may take. */
  readonly kept?: number;
  /** A cell that was started before anybody knew of the fleet, and for which engine. */
  readonly early?: {
    readonly cell: ChildProcess;
    readonly language: Language;
    readonly variant: Variant;
  } | null;
}

/** An engine with its cells. */
export interface Crew {
  readonly engine: Engine;
  readonly cells: CellPool;
}

/** The cells of a runtime: a pool for each engine that its programs need. */
export class Fleet {
  readonly #options: FleetOptions;
  /** By the engine's hash: two variants may be the same engine. */
  readonly #crews = new Map<string, Crew>();
  readonly #finding = new Map<string, Promise<Engine>>();
  #early: FleetOptions["early"];
  #closed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#early = options.early ?? null;
  }

  release(language: Language): Promise<string> {
    return this.#options.engines.release(language);
  }

  /** @throws UsageError if the engine can't be had */
  async crew(language: Language, variant: Variant): Promise<Crew> {
    const engine = await this.#find(language, variant);
    const known = this.#crews.get(engine.hash);
    if (known) return known;
    const crew = this.#muster(engine);
    this.#crews.set(engine.hash, crew);
    return crew;
  }

  /** Kills all cells. */
  close(): void {
    this.#closed = true;
    this.#early?.cell.kill("SIGKILL");
    for (const { cells } of this.#crews.values()) cells.close();
  }

  #find(language: Language, variant: Variant): Promise<Engine> {
    const name = `${language} ${variant}`;
    const known = this.#finding.get(name);
    if (known) return known;
    const finding = this.#options.engines.engine(language, variant);
    this.#finding.set(name, finding);
    // What failed may succeed later: a network is back, a disk has room.
    finding.catch(() => this.#finding.delete(name));
    return finding;
  }

  #muster(engine: Engine): Crew {
    const { language, variant, script, folder, hash } = engine;
    const given = this.#early;
    this.#early = null;
    const fits = given?.language === language && given.variant === variant;
    const early = fits ? given.cell : null;
    // What the program needs first is another engine: the cell would only take memory and a core from that.
    if (!fits) given?.cell.kill("SIGKILL");
    const parts = { script, engine: folder, variant };
    const { most, kept } = this.#options;
    const cells = new CellPool({ parts, engine: hash, most, early, ...(kept === undefined ? {} : { kept }) });
    if (this.#closed) cells.close();
    return { engine, cells };
  }
}

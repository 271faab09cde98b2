import type { ChildProcess } from "node:child_process";
import type { Language } from "@capsule-run/protocol";
import { CellPool } from "./cells.ts";

/** `core` may lack code that programs rarely need; `full` has all there is. An engine with one variant is `full`. */
export type Variant = "core" | "full";

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
  readonly #crews = new Map<string, Promise<Crew>>();
  readonly #pools: CellPool[] = [];
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
  crew(language: Language, variant: Variant): Promise<Crew> {
    const name = `${language} ${variant}`;
    const known = this.#crews.get(name);
    if (known) return known;
    const crew = this.#muster(language, variant);
    this.#crews.set(name, crew);
    // What failed may succeed later: a network is back, a disk has room.
    crew.catch(() => this.#crews.delete(name));
    return crew;
  }

  /** Kills all cells. */
  close(): void {
    this.#closed = true;
    this.#early?.cell.kill("SIGKILL");
    for (const pool of this.#pools) pool.close();
  }

  async #muster(language: Language, variant: Variant): Promise<Crew> {
    const { engines, most } = this.#options;
    const engine = await engines.engine(language, variant);
    const given = this.#early;
    this.#early = null;
    const fits = given?.language === language && given.variant === variant;
    const early = fits ? given.cell : null;
    // What the program needs first is another engine: the cell would only take memory and a core from that.
    if (!fits) given?.cell.kill("SIGKILL");
    const { script, folder, hash } = engine;
    const cells = new CellPool({ parts: { script, engine: folder, variant }, engine: hash, most, early });
    this.#pools.push(cells);
    if (this.#closed) cells.close();
    return { engine, cells };
  }
}

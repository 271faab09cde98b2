import { Database } from "./database.ts";
import type { Batch, Problem } from "./messages.ts";
import type { Kept } from "./records.ts";
import { problemOf } from "./sqlite.ts";

/** Runs that end, or rows of tasks, between two looks at whether there is too much. */
const RUNS_BETWEEN = 500;
const ROWS_BETWEEN = 100_000;

interface Project {
  /** Null: nothing is recorded for it any more. */
  database: Database | null;
  readonly running: Set<string>;
  runs: number;
  rows: number;
}

export interface ProjectsOptions {
  readonly kept: Kept;
  /** How long to wait for another process that writes. */
  readonly busyMs: number;
  /** Called once for a project: why nothing more is recorded for it. */
  readonly stopped: (root: string, problem: Problem) => void;
}

/** The records of the projects whose runs one runtime executes. Nothing here throws. */
export class Projects {
  readonly #options: ProjectsOptions;
  readonly #projects = new Map<string, Project>();

  constructor(options: ProjectsOptions) {
    this.#options = options;
  }

  write(batch: Batch): void {
    const project = this.#project(batch.root);
    this.#attempt(batch.root, project, (database) => {
      database.write(batch);
      for (const { id, endedAt } of batch.runs) {
        if (endedAt === null) project.running.add(id);
        else {
          project.running.delete(id);
          project.runs++;
        }
      }
      for (const { rows } of batch.tasks) project.rows += rows.length;
      if (project.runs < RUNS_BETWEEN && project.rows < ROWS_BETWEEN) return;
      [project.runs, project.rows] = [0, 0];
      prune(database);
    });
  }

  /** Says that this process is there, where runs are under way. */
  beat(): void {
    for (const [root, project] of this.#projects)
      if (project.running.size > 0) this.#attempt(root, project, (database) => database.beat());
  }

  /** Deletes what is too much and closes all. */
  close(): void {
    for (const [root, project] of this.#projects)
      this.#attempt(root, project, (database) => {
        prune(database);
        database.close();
      });
    this.#projects.clear();
  }

  #project(root: string): Project {
    const known = this.#projects.get(root);
    if (known) return known;
    const project: Project = { database: null, running: new Set(), runs: 0, rows: 0 };
    this.#projects.set(root, project);
    try {
      project.database = new Database(root, this.#options.kept, this.#options.busyMs);
    } catch (error) {
      this.#options.stopped(root, problemOf(error));
    }
    return project;
  }

  /** Does something with a project's database; what goes wrong ends its record. */
  #attempt(root: string, project: Project, work: (database: Database) => void): void {
    const { database } = project;
    if (!database) return;
    try {
      work(database);
    } catch (error) {
      project.database = null;
      project.running.clear();
      this.#options.stopped(root, problemOf(error));
      try {
        database.close();
      } catch {
        // It is of no use to anybody now.
      }
    }
  }
}

/** When another process writes, it is left to the next one. */
function prune(database: Database): void {
  try {
    database.prune();
  } catch (error) {
    if (problemOf(error).kind !== "locked") throw error;
  }
}

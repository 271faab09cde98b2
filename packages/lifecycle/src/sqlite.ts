import { lstatSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Problem } from "./messages.ts";
import { APPLICATION, pragma, UPGRADES, VERSION } from "./schema.ts";

type Sqlite = typeof import("node:sqlite");

/** `node:sqlite`, without the warning that some releases of Node give when it is loaded. */
export function loadSqlite(): Sqlite {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Something about the file that keeps it from being used. */
export class Unusable extends Error {
  override readonly name = "Unusable";
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.kind);
    this.problem = problem;
  }
}

const foreign = (reason: string): Unusable => new Unusable({ kind: "foreign", reason });

/** Files that SQLite would open beside the database. */
const SIDES = ["", "-wal", "-shm", "-journal"] as const;

/**
 * A project may come from anywhere: a link would have us write, or read, somewhere else, and a pipe would have us wait.
 * @throws Unusable
 */
export function refuseOddFiles(file: string): void {
  for (const side of SIDES) {
    const stat = lstatSync(file + side, { throwIfNoEntry: false });
    if (!stat || stat.isFile()) continue;
    const kind = stat.isSymbolicLink()
      ? "a symbolic link"
      : stat.isDirectory()
        ? "a folder"
        : "no plain file";
    throw foreign(side === "" ? `is ${kind}` : `can't be used: ${side.slice(1)} beside it is ${kind}`);
  }
}

/**
 * What a crafted file could do is limited before it is looked into. `old`: of a version that can be read as it is, and
 * upgraded.
 * @throws Unusable for a database that is not ours, or of a version that is not known
 */
export function checkOurs(database: DatabaseSync): "ours" | "old" | "empty" {
  database.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
  const [application, version] = [pragma(database, "application_id"), pragma(database, "user_version")];
  if (application === APPLICATION && version === VERSION) return "ours";
  if (application === APPLICATION && Object.hasOwn(UPGRADES, version)) return "old";
  if (application === APPLICATION) throw foreign(`is of another version of Capsule (format ${version})`);
  const things = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n ?? 0);
  if (things > 0 || version !== 0 || application !== 0) throw foreign("is a database of something else");
  return "empty";
}

interface SqliteError {
  readonly code?: string;
  readonly errcode?: number;
  readonly message?: string;
}

/** The primary result codes of SQLite: https://sqlite.org/rescode.html */
const [BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB] = [5, 6, 8, 10, 11, 13, 14, 26];

/** What an error of SQLite or of the file system means for the record. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Unusable) return error.problem;
  const { code = "", errcode, message = String(error) } = (error ?? {}) as SqliteError;
  const reason = message.slice(0, 200);
  switch (errcode === undefined ? undefined : errcode & 0xff) {
    case undefined:
      return /^E[A-Z]+$/.test(code) ? { kind: "unwritable", code } : { kind: "other", reason };
    case BUSY:
    case LOCKED:
      return { kind: "locked" };
    case FULL:
      return { kind: "unwritable", code: "ENOSPC" };
    case CORRUPT:
    case NOTADB:
      return { kind: "corrupt", reason };
    case READONLY:
      return { kind: "unwritable", code: "read-only" };
    case CANTOPEN:
    case IOERR:
      return { kind: "other", reason };
    default:
      // A statement that does not fit the tables: they are not those that we make.
      return { kind: "corrupt", reason };
  }
}

import type { RunRow, TaskRow } from "./records.ts";

/** What goes to the thread that writes. Everything in it is new or has changed; rows are whole. */
export interface Batch {
  readonly type: "batch";
  /** The project root. */
  readonly root: string;
  readonly runs: readonly RunRow[];
  readonly tasks: readonly { readonly run: string; readonly rows: readonly TaskRow[] }[];
}

export type ToWriter =
  | Batch
  /** Deletes what is too much, closes all databases and ends the thread. */
  | { readonly type: "close" };

export type FromWriter =
  /** A batch is on disk, or was given up. */
  | { readonly type: "done" }
  /** Nothing more is recorded for `root`. */
  | { readonly type: "stopped"; readonly root: string; readonly problem: Problem }
  | { readonly type: "closed" };

/** Why there is no record. `unwritable` is about the whole folder `.capsule`; `code` is `EROFS`, `ENOSPC` and the like. */
export type Problem =
  | { readonly kind: "unwritable"; readonly code: string }
  | { readonly kind: "locked" }
  | { readonly kind: "corrupt"; readonly reason: string }
  | { readonly kind: "foreign"; readonly reason: string }
  | { readonly kind: "other"; readonly reason: string };

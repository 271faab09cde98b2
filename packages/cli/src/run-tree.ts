import type { RunReader, StoredRun, TaskRow } from "@capsule-run/runtime/records";
import type { Paint } from "./colour.ts";
import { thousands } from "./format.ts";
import { taskLine } from "./record-view.ts";

/** Task executions that are shown of a large tree. */
export const SHOWN = 200;

/** Numbers of two paths compared one by one: `0.9` stands before `0.10`. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = Number(left[i]) - Number(right[i]);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Executions with those that called them, so that each hangs on something. */
function withParents(reader: RunReader, run: string, rows: readonly TaskRow[]): TaskRow[] {
  const known = new Map(rows.map((row) => [row.seq, row]));
  for (const row of rows)
    for (let parent = row.parent; parent > 0 && !known.has(parent); ) {
      const found = reader.task(run, parent);
      if (!found) break;
      known.set(parent, found);
      // A record that another program wrote may go in circles.
      parent = found.parent < parent ? found.parent : 0;
    }
  return [...known.values()];
}

export interface TreeView {
  readonly limit: number;
  readonly now: number;
  readonly paint: Paint;
}

/**
 * The tree of a run, a line for each execution, indented by its depth. At most about `limit` of them, those first that
 * failed or are under way; where some are left out a line says how many.
 */
export function treeLines(reader: RunReader, run: StoredRun, { limit, now, paint }: TreeView): string[] {
  const rows = withParents(reader, run.id, reader.notable(run.id, limit));
  const known = new Set(rows.map(({ seq }) => seq));
  const children = Map.groupBy(rows, ({ parent }) => (known.has(parent) ? parent : 0));
  const lines: string[] = [];
  const pending = sorted(children.get(0) ?? []).map((row) => ({ row, depth: 0 as number }));
  const more = (depth: number, count: number): void => {
    if (count > 0) lines.push(`${"  ".repeat(depth + 1)}${paint("dim", `… ${thousands(count)} more`)}`);
  };
  const stack: ({ row: TaskRow; depth: number } | { more: number; depth: number })[] = pending.reverse();
  for (let item = stack.pop(); item; item = stack.pop()) {
    if ("more" in item) {
      more(item.depth, item.more);
      continue;
    }
    const { row, depth } = item;
    lines.push(`${"  ".repeat(depth + 1)}${taskLine(row, now, paint)}`);
    const below = sorted(children.get(row.seq) ?? []);
    stack.push({ more: row.children - below.length, depth: depth + 1 });
    for (const child of below.reverse()) stack.push({ row: child, depth: depth + 1 });
  }
  return lines;
}

const sorted = (rows: readonly TaskRow[]): TaskRow[] =>
  [...rows].sort(
    (a, b) => a.parentAttempt - b.parentAttempt || comparePaths(a.path, b.path) || a.seq - b.seq,
  );

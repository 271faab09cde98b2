import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "@capsule-run/protocol";
import type { RunReader, StoredRun } from "@capsule-run/runtime/records";
import { painter } from "./colour.ts";
import type { Context } from "./context.ts";
import { follow } from "./follow.ts";
import { jsonLine } from "./format.ts";
import { runJson, runLines, taskJson } from "./record-view.ts";
import type { Command } from "./run.ts";
import { SHOWN, treeLines } from "./run-tree.ts";

const noRun = (message: string): UsageError => new UsageError("no-run", message);

/** @throws UsageError when there is none, or more than one */
function choose(id: string, found: readonly StoredRun[]): StoredRun {
  const [run, ...others] = found;
  const shown = JSON.stringify(id.slice(0, 100));
  if (!run) throw noRun(`there is no run ${shown} in this project; "capsule runs" lists them`);
  if (others.length === 0) return run;
  const listed = found.slice(0, 10).map((each) => `\n  ${each.id} ${each.state} ${each.file}`);
  throw noRun(
    `${shown} is the beginning of several runs:${listed.join("")}${found.length > 10 ? "\n  …" : ""}`,
  );
}

/** The whole record of a run as one line, in pieces: it may be large. */
function* wholeJson(reader: RunReader, run: StoredRun): Generator<string> {
  yield `{"run":${jsonLine(runJson(run))},"tasks":[`;
  let before = "";
  for (const task of reader.tasks(run.id)) {
    yield before + jsonLine(taskJson(task));
    before = ",";
  }
  yield "]}\n";
}

/** Rows that are put together before they are written. */
const PIECES = 1000;

async function print(pieces: Iterable<string>, context: Context): Promise<void> {
  const { stdout } = context.output;
  let waiting: string[] = [];
  for (const piece of pieces) {
    if (stdout.closed) return;
    if (waiting.push(piece) < PIECES) continue;
    stdout.write(waiting.join(""));
    waiting = [];
    await stdout.drained();
  }
  stdout.write(waiting.join(""));
}

/** `capsule inspect`. */
export async function inspect(command: Command, context: Context): Promise<number> {
  const { output, cwd, services } = context;
  const id = (command.file ?? "").toLowerCase();
  const record = await services.openRecord(cwd);
  try {
    const run = choose(command.file ?? "", record.read((reader) => reader.find(id)) ?? []);
    const limit = command.flags.has("--all") ? Number.MAX_SAFE_INTEGER : SHOWN;
    const paint = painter(process.env, output.stdout.terminal);
    if (command.flags.has("--follow"))
      return await follow(record, run.id, { limit, paint, json: command.json, context, sleep });
    if (command.json) {
      // One view of it all, even when it is being written.
      await record.read((reader) => print(wholeJson(reader, run), context));
      return 0;
    }
    const lines = record.read((reader) => {
      const now = Date.now();
      return [...runLines(run, now, paint), ...treeLines(reader, run, { limit, now, paint })];
    });
    await print(
      (lines ?? []).map((line) => `${line}\n`),
      context,
    );
    return 0;
  } finally {
    record.close();
  }
}

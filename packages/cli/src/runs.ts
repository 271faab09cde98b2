import { UsageError } from "@capsule-run/protocol";
import { painter } from "./colour.ts";
import type { Context } from "./context.ts";
import { jsonLine, oneLine } from "./format.ts";
import { runJson, runTable } from "./record-view.ts";
import type { Command } from "./run.ts";

/** Runs in the table without `--limit`. */
const SHOWN = 20;

function limitOf(command: Command): number {
  const text = command.values.get("--limit");
  if (text === undefined) return command.json ? Number.MAX_SAFE_INTEGER : SHOWN;
  const limit = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (limit > 0) return limit;
  throw new UsageError("arguments", `--limit is ${JSON.stringify(text)}; it has to be a whole number from 1`);
}

/** `capsule runs`. */
export async function runs(command: Command, context: Context): Promise<number> {
  const { output, cwd, services } = context;
  const limit = limitOf(command);
  const record = await services.openRecord(cwd);
  const list = record.read((reader) => reader.runs(limit)) ?? [];
  if (command.json) output.stdout.write(`${jsonLine({ runs: list.map(runJson) })}\n`);
  else if (list.length === 0) output.stdout.write(`no runs yet in ${oneLine(record.root)}\n`);
  else output.stdout.write(runTable(list, Date.now(), painter(process.env, output.stdout.terminal)));
  record.close();
  return 0;
}

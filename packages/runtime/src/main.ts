import { countItems, type Envelope, LIMITS, type TaskManifest } from "@capsule-run/protocol";
import { follow } from "./abort.ts";
import type { RunEvent, RunRequest } from "./api.ts";
import { Calls } from "./calls.ts";
import type { Context } from "./context.ts";
import type { LocalEngine } from "./local.ts";
import * as words from "./words.ts";

/** Executes `main` with its retries: a run is a caller with one call. In a session there are none. */
export async function runMain(
  run: string,
  main: TaskManifest,
  args: Uint8Array,
  context: Context,
  local: LocalEngine,
  signal: AbortSignal,
): Promise<Envelope> {
  const ending = follow(signal, context.exhausted.signal);
  const log = local.root(ending.signal);
  let seq = 0;
  const { program, queue, budget, world } = context;
  const emit = (event: RunEvent): void => context.emit(event);
  const artifact = program.artifact.hash;
  const calls = new Calls({ run, artifact, log, emit, queue, budget, nextSeq: () => ++seq });
  const { runTimeoutMs } = budget.limits;
  const timeout = runTimeoutMs === null ? 0 : ++seq;
  try {
    const about = { policy: world.policyOf(main), cuts: world.newCuts(main) };
    calls.start({ id: 0, path: "0", task: main.name, args, ...about, isFinal: context.session !== null });
    if (runTimeoutMs !== null) log.issue({ seq: timeout, kind: "sleep", ms: runTimeoutMs });
    for (;;) {
      const completion = await log.next();
      // When the run is cancelled, whatever it waits for ends.
      if (completion?.seq === timeout && !signal.aborted) context.timeUp();
      const done = completion && calls.completed(completion);
      if (done) return done.envelope;
    }
  } finally {
    log.close();
    ending.done();
  }
}

/** The arguments for `main` as JSON, or what is wrong with them. */
export function encodeArguments(
  { name, parameters }: TaskManifest,
  { args = [], argsJson }: Pick<RunRequest, "args" | "argsJson">,
): Uint8Array | string {
  let json: Uint8Array;
  try {
    json = Buffer.from(argsJson ?? JSON.stringify(args));
  } catch (error) {
    return `the arguments of ${name} are no JSON values: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (json.length > LIMITS.argumentBytes) return words.argumentsTooLarge();
  const count = argsJson === undefined ? args.length : countItems(json);
  if (count === null) return `the arguments of ${name} are no JSON text of an array`;
  if (!parameters) return json;
  const { names, required, rest } = parameters;
  if (count >= required && (rest || count <= names.length)) return json;
  return words.wrongArguments(names, required, rest, count, name);
}

export const CANCELLED = { error: "cancelled", message: "cancelled" } as const;

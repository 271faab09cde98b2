/** Calls of other tasks. A call never throws: whatever goes wrong is in the envelope. */
import type { TaskResult } from "@capsule-run/protocol";
import { failure, invalidArguments, unmetered } from "./envelopes.ts";
import { door } from "./host.ts";
import { create, keys, parse, SafePromise } from "./primordials.ts";
import { argumentsJson } from "./values.ts";

type Envelope = TaskResult<unknown>;

interface Settlers {
  readonly name: string;
  readonly resolve: (envelope: Envelope) => void;
  readonly reject: (reason: unknown) => void;
}

const waiting: Record<string, Settlers | undefined> = create(null);
let count = 0;

/** Calls and effects that the host has not completed yet. */
export const pendingCalls = (): number => count;

/** Counts an effect as a call, or one that is answered (-1). */
export function countEffect(by: 1 | -1): void {
  count += by;
}

/** Suspends the sandbox until the task has ended. */
export function callSync(name: string, args: readonly unknown[]): Envelope {
  const json = argumentsJson(name, args);
  return json.ok ? (parse(door.wait(name, json.text)) as Envelope) : invalidArguments(name, json.problem);
}

/** A promise of the task's envelope. It rejects only if an argument's own getter or `toJSON` throws. */
export function callAsync(name: string, args: readonly unknown[]): Promise<Envelope> {
  return new SafePromise((resolve, reject) => {
    const json = argumentsJson(name, args);
    if (!json.ok) {
      resolve(invalidArguments(name, json.problem));
      return;
    }
    waiting[door.call(name, json.text)] = { name, resolve, reject };
    count++;
  });
}

/** The host's answer to the call `id`. An id that nobody waits for is ignored. */
export function completeCall(id: string, envelopeJson: string): void {
  const settlers = waiting[id];
  if (!settlers) return;
  delete waiting[id];
  count--;
  try {
    settlers.resolve(parse(envelopeJson) as Envelope);
  } catch (error) {
    settlers.reject(error);
  }
}

/** Ends all calls of an attempt that is over: nobody will. */
export function abandonCalls(): void {
  const ids = keys(waiting);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as string;
    const { name, resolve } = waiting[id] as Settlers;
    delete waiting[id];
    count--;
    resolve(failure("cancelled", "the run that called it has ended", unmetered(name)));
  }
}

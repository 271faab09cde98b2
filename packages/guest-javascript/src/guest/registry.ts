/** The tasks of the program, in the order in which it defines them, and running one of them. */
import { LIMITS } from "@capsule-run/protocol";
import { PROGRAM_FILE, STATUS } from "../door.ts";
import { attempt, fail, settle } from "./attempt.ts";
import { callAsync, callSync } from "./calls.ts";
import { type Definition, DUPLICATE_TASK_ERROR, defineTask, misuse } from "./definition.ts";
import { callerPlace } from "./errors.ts";
import {
  append,
  apply,
  chain,
  create,
  defineProperty,
  freeze,
  isArray,
  keys,
  parse,
  quote,
  SafeError,
  SafePromise,
  slice,
  sourceOf,
} from "./primordials.ts";
import { resultJson } from "./values.ts";

interface Registered extends Definition {
  /** Where the program defined it, such as `capsule:program:12:18`; empty if the engine can't tell. */
  readonly place: string;
}

/** Characters of a task's source that the manifest carries, for the names of its parameters. */
const SOURCE_CHARACTERS = 1_000_000;

const byName: Record<string, Registered | undefined> = create(null);
const inOrder: Registered[] = [];

/** `task(options, fn)` of the guest: registers, and gives what the program calls. */
function task(options: unknown, fn: unknown): (...args: unknown[]) => unknown {
  const definition = defineTask(options, fn);
  const { name } = definition;
  if (!attempt.open)
    throw new SafeError(
      `task ${quote(name)} is defined after the program was loaded; define tasks at the top level, not inside functions or callbacks that run later`,
    );
  const first = byName[name];
  if (first)
    throw misuse(
      `task ${quote(name)} is defined twice${first.place === "" ? "" : `, first at ${first.place}`}; give one of them another name`,
      DUPLICATE_TASK_ERROR,
    );
  if (inOrder.length >= LIMITS.tasks)
    throw new SafeError(`task ${quote(name)}: a program may define ${LIMITS.tasks} tasks at most`);
  const registered: Registered = { ...definition, place: callerPlace(PROGRAM_FILE) };
  byName[name] = registered;
  append(inOrder, registered);
  return callable(registered);
}

function callable({ name, async, fn }: Registered): (...args: unknown[]) => unknown {
  const send = async ? callAsync : callSync;
  const call = (...args: unknown[]): unknown => {
    if (attempt.running === null)
      throw new SafeError(
        `task ${quote(name)} was called while the program is loading; call it from inside a task`,
      );
    return send(name, args);
  };
  defineProperty(call, "name", { value: name, configurable: true });
  defineProperty(call, "length", { value: fn.length, configurable: true });
  return call;
}

/** Makes `task` reachable for the guest copy of `@capsule-run/sdk`, and for nothing that lists globals. */
export function installRegistry(): void {
  defineProperty(globalThis, Symbol.for("capsule.task"), { value: freeze(task) });
}

/** The tasks as a JSON list of `LoadedTask`. */
export function manifestJson(): string {
  let text = "[";
  for (let i = 0; i < inOrder.length; i++) {
    const { name, policy, async, fn } = inOrder[i] as Registered;
    text +=
      `${i === 0 ? "" : ","}{"name":${quote(name)},"policy":${plainJson(policy)},"async":${quote(async)},` +
      `"source":${quote(slice(sourceOf(fn), 0, SOURCE_CHARACTERS))}}`;
  }
  return `${text}]`;
}

/** As `JSON.stringify`, but by hand: a program may have given `Object.prototype` a `toJSON`. */
function plainJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return quote(value as string);
  let text = "";
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) text += (i === 0 ? "" : ",") + plainJson(value[i]);
    return `[${text}]`;
  }
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    text += `${i === 0 ? "" : ","}${quote(name)}:${plainJson((value as Record<string, unknown>)[name])}`;
  }
  return `{${text}}`;
}

/** Runs a task with the arguments of a JSON array; its end becomes the attempt's outcome. */
export function runTask(name: string, argsJson: string): void {
  const found = byName[name];
  if (!found) {
    fail(
      new SafeError(
        `task ${quote(name)} was not defined when the program was loaded for this attempt; which tasks a program defines must not depend on time, randomness or its environment`,
      ),
    );
    return;
  }
  attempt.running = name;
  attempt.number++;
  try {
    const args = parse(argsJson) as unknown[];
    const value = apply(found.fn, undefined, args);
    if (!isThenable(value)) finish(name, value);
    // A plain function that gives a promise is awaited too.
    else awaitResult(name, value);
  } catch (error) {
    fail(error);
  }
}

function awaitResult(name: string, value: unknown): void {
  const { number } = attempt;
  const ifCurrent = (end: (value: unknown) => void) => (value: unknown) => {
    if (attempt.number === number) end(value);
  };
  // A native promise of our own makes any thenable safe.
  chain(
    new SafePromise((resolve) => resolve(value)),
    ifCurrent((awaited) => finish(name, awaited)),
    ifCurrent(fail),
  );
}

const isThenable = (value: unknown): boolean =>
  ((typeof value === "object" && value !== null) || typeof value === "function") &&
  typeof (value as { then?: unknown }).then === "function";

function finish(name: string, value: unknown): void {
  try {
    const json = resultJson(name, value);
    settle(json.ok ? STATUS.result + json.text : `${STATUS.typed}invalid_result ${json.problem}`);
  } catch (error) {
    fail(error);
  }
}

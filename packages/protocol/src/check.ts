import { FrameError } from "./codec.ts";
import { EFFECT_MODES, EFFECT_NAMES, POSTED } from "./effects.ts";
import { ERROR_TYPES } from "./errors.ts";
import { parseHostPattern } from "./host-pattern.ts";
import { isArguments, isJson } from "./json.ts";
import { LIMITS } from "./limits.ts";
import type { FromCell, LoadedTask } from "./messages.ts";
import { type DeclaredPolicy, isTaskName, isVariableName, pathInside } from "./policy.ts";

/** A field's rule: true if the value may be used as it is. */
type Rule = (value: unknown) => boolean;

const count: Rule = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
/** Milliseconds since 1970 that a `Date` can hold, or −1. */
const timeOrNone: Rule = (value) =>
  value === -1 || (typeof value === "number" && value >= 0 && value <= 8.64e15);
const flag: Rule = (value) => typeof value === "boolean";
/** Bytes of memory of one sandbox. */
const memory: Rule = (value) => count(value) && (value as number) <= LIMITS.memoryBytes;
const text =
  (most: number): Rule =>
  (value) =>
    typeof value === "string" && value.length <= most;
const oneOf =
  (...values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value);
const bytes =
  (most: number): Rule =>
  (value) =>
    value instanceof Uint8Array && value.length <= most;
const globals: Rule = (value) =>
  Array.isArray(value) && value.length <= 1000 && value.every((x) => Number.isInteger(x) && (x | 0) === x);
const errorOrNone = oneOf("", ...ERROR_TYPES);
/** Empty: the cell kept back more than a call may carry. */
const argumentsOrNone: Rule = (value) =>
  bytes(LIMITS.argumentBytes)(value) &&
  ((value as Uint8Array).length === 0 || isArguments(value as Uint8Array));

/** Every message a cell may send, field by field: the table is the definition of what the host accepts. */
const RULES: Readonly<Record<FromCell["type"], Readonly<Record<string, Rule>>>> = {
  ready: { engine: text(200), body: bytes(0) },
  pong: { n: count, body: bytes(0) },
  loaded: {
    sandbox: count,
    tasks: text(LIMITS.manifestCharacters),
    entry: text(200),
    notice: text(1000),
    snapshot: oneOf("after", "before"),
    reasons: text(10_000),
    output: text(LIMITS.loadOutputBytes * 32),
    globals,
    fuel: count,
    ram: count,
    body: bytes(LIMITS.frameBytes),
  },
  call: {
    sandbox: count,
    call: count,
    mode: oneOf("sync", "async"),
    task: text(200),
    body: argumentsOrNone,
  },
  effect: {
    sandbox: count,
    call: count,
    mode: oneOf(...EFFECT_MODES),
    name: oneOf(...EFFECT_NAMES),
    body: bytes(LIMITS.effectBytes + LIMITS.effectHeadBytes),
  },
  revoke: { sandbox: count, call: count, body: bytes(0) },
  output: { sandbox: count, stream: oneOf(1, 2), body: bytes(LIMITS.attemptOutputBytes) },
  idle: { sandbox: count, wake: timeOrNone, pending: count, body: bytes(0) },
  grown: {
    sandbox: count,
    ram: memory,
    body: bytes(0),
  },
  used: { sandbox: count, fuel: count, body: bytes(0) },
  took: { sandbox: count, bytes: count, body: bytes(0) },
  ended: {
    sandbox: count,
    ok: flag,
    error: errorOrNone,
    plain: flag,
    lacks: text(200),
    memory: oneOf("", "kept", "rolled_back", "lost"),
    parked: memory,
    image: memory,
    fuel: count,
    ram: count,
    body: bytes(LIMITS.resultBytes),
  },
};

/**
 * A message from a cell, or what is wrong with it. Unknown types, missing, extra and ill-typed fields are refused:
 * a cell that sends one is replaced.
 * @throws FrameError
 */
export function checkFromCell(message: Record<string, unknown>): FromCell {
  const type = message.type;
  if (typeof type !== "string" || !Object.hasOwn(RULES, type))
    throw new FrameError("a message of an unknown type");
  const rules = RULES[type as FromCell["type"]];
  for (const field of Object.keys(message))
    if (field !== "type" && !Object.hasOwn(rules, field))
      throw new FrameError(`"${type}" with an unknown field`);
  for (const [field, rule] of Object.entries(rules))
    if (!rule(message[field])) throw new FrameError(`"${type}" with a wrong "${field}"`);
  const checked = message as unknown as FromCell;
  if (checked.type === "effect" && POSTED.includes(checked.name) !== (checked.mode === "post"))
    throw new FrameError('"effect" in a wrong "mode"');
  if (checked.type === "ended" && !isEnding(checked)) throw new FrameError('"ended" that contradicts itself');
  return checked;
}

/**
 * A result is JSON, because others splice it into theirs; only a failure has an error, and whatever changed nothing had
 * none. Only a session keeps memory.
 */
function isEnding({ ok, error, lacks, memory, parked, image, body }: Of<"ended">): boolean {
  if (parked + image > 0 && (memory === "" || memory === "lost")) return false;
  if (ok && memory !== "" && memory !== "kept") return false;
  return ok
    ? error === "" && lacks === "" && isJson(body)
    : error !== "" && body.length <= LIMITS.reportBytes;
}

type Of<T extends FromCell["type"]> = Extract<FromCell, { type: T }>;

/** Whether something is what `Parameters` says. */
export function isParameters(value: unknown): boolean {
  const { names, required, rest } = (value ?? {}) as Record<string, unknown>;
  return (
    Array.isArray(names) && names.length <= 1000 && names.every(text(1000)) && count(required) && flag(rest)
  );
}

const amount: Rule = (value) => count(value) && value !== 0;
const listOf =
  (rule: Rule): Rule =>
  (value) =>
    Array.isArray(value) && value.length <= 1000 && value.every(rule);

const isGrant: Rule = (value) => {
  const { path, mode, ...rest } = (value ?? {}) as Record<string, unknown>;
  if (typeof path !== "string" || pathInside(path) !== path || Object.keys(rest).length > 0) return false;
  return mode === "read-only" || mode === "read-write";
};

const DECLARED_RULES: Readonly<Record<keyof DeclaredPolicy, Rule>> = {
  fuel: amount,
  ram: amount,
  timeoutMs: amount,
  maxRetries: count,
  files: listOf(isGrant),
  hosts: listOf((value) => typeof value === "string" && parseHostPattern(value) === value),
  environment: listOf(isVariableName),
};

/** Whether something is what `DeclaredPolicy` says, and nothing more. */
export function isDeclaredPolicy(value: unknown): value is DeclaredPolicy {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = value as Record<string, unknown>;
  return (
    Object.keys(fields).length === Object.keys(DECLARED_RULES).length &&
    Object.entries(DECLARED_RULES).every(([field, rule]) => fields[field] === null || rule(fields[field]))
  );
}

const TASK_RULES: Readonly<Record<keyof Required<LoadedTask>, Rule>> = {
  name: isTaskName,
  policy: isDeclaredPolicy,
  async: flag,
  source: text(1_000_000),
  parameters: (value) => value === undefined || isParameters(value),
};

/**
 * The tasks of a `loaded` message.
 * @throws FrameError if the text is not what an honest cell would send
 */
export function checkLoadedTasks(json: string): readonly LoadedTask[] {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    throw new FrameError("tasks that are not JSON");
  }
  if (!Array.isArray(list) || list.length > LIMITS.tasks) throw new FrameError("a wrong list of tasks");
  for (const task of list)
    for (const [field, rule] of Object.entries(TASK_RULES))
      if (!rule((task as Record<string, unknown> | null)?.[field]))
        throw new FrameError(`a task with a wrong "${field}"`);
  return list as LoadedTask[];
}

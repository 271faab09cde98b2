import {
  type Code,
  call,
  functionBody,
  globalSet,
  i32,
  i32Eqz,
  i32Ne,
  ifThen,
  localGet,
  RETURN,
  UNREACHABLE,
} from "./assemble.ts";
import { WasmError } from "./errors.ts";
import { indicesOf, type Names } from "./names.ts";
import { Op, ValueType } from "./opcodes.ts";
import type { Module } from "./sections.ts";

/** Functions of wasi-libc, by their names in the name section. */
export interface LockWait {
  /** What waits for a lock: `__wasilibc_futex_wait`. */
  readonly wait: string;
  /** What sleeps: `clock_nanosleep`. */
  readonly sleep: string;
}

/** The indices of both; fails if they are not there, or of other types. */
export function findLockWait(module: Module, names: Names, { wait, sleep }: LockWait): LockWaitIndices {
  const found = indicesOf(names.functions, [wait, sleep], "function");
  const indices = { wait: found.get(wait) as number, sleep: found.get(sleep) as number };
  checkType(module, wait, indices.wait, WAIT_PARAMETERS);
  checkType(module, sleep, indices.sleep, SLEEP_PARAMETERS);
  return indices;
}

export interface LockWaitIndices {
  readonly wait: number;
  readonly sleep: number;
}

const [WAIT_PARAMETERS, SLEEP_PARAMETERS] = [5, 4];

function checkType(module: Module, name: string, index: number, parameters: number): void {
  const type = module.types[module.functions[index] ?? -1];
  const { i32: word } = ValueType;
  const fits = type?.params.length === parameters && type.params.every((param) => param === word);
  if (!fits || type.results.join() !== String(word) || index < module.importedFunctions) {
    throw new WasmError(`function "${name}" is not of the expected type`, 0);
  }
}

/** Linux's numbers of EAGAIN and ETIMEDOUT as in WASI, negative as from a system call. */
const [AGAIN, TIMED_OUT] = [-6, -73];

/**
 * A wait for a lock in a module of a single thread, of which wasi-libc's traps. Nobody can release the lock while it
 * waits: with a time limit it sleeps as long, without one it sets the global and traps.
 */
export function lockWaitBody(deadlock: number, sleepFunction: number): Code {
  const [address, expected, clock, timeout, absolute] = [0, 1, 2, 3, 4].map(localGet) as Five;
  const load = [Op.i32Load, 2, 0];
  return functionBody(
    [],
    [...address, ...load, ...expected, ...i32Ne, ...ifThen(i32(AGAIN), RETURN)],
    [...timeout, ...i32Eqz, ...ifThen(i32(1), globalSet(deadlock), UNREACHABLE)],
    [...clock, ...absolute, ...i32(0), ...i32Ne, ...timeout, ...i32(0), ...call(sleepFunction), Op.drop],
    i32(TIMED_OUT),
  );
}

type Five = [Code, Code, Code, Code, Code];

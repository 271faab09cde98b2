import { Reader } from "./binary.ts";
import { WasmError } from "./errors.ts";
import type { Module } from "./sections.ts";

/**
 * What a module's name section calls its functions and globals, by their indices.
 *
 * @see https://webassembly.github.io/spec/core/appendix/custom.html#name-section
 */
export interface Names {
  readonly functions: ReadonlyMap<number, string>;
  readonly globals: ReadonlyMap<number, string>;
}

const [FUNCTIONS, GLOBALS] = [1, 7];

/** Reads the name section; one that does not exist names nothing. */
export function readNames(module: Module): Names {
  const functions = new Map<number, string>();
  const globals = new Map<number, string>();
  const section = module.customs.find(({ name }) => name === "name");
  if (section) {
    const reader = new Reader(module.bytes, section.start, section.end);
    while (!reader.done) {
      const id = reader.byte();
      const map = reader.slice(reader.u32());
      if (id === FUNCTIONS) readMap(map, functions);
      if (id === GLOBALS) readMap(map, globals);
    }
  }
  return { functions, globals };
}

function readMap(reader: Reader, names: Map<number, string>): void {
  const count = reader.count("names", 2);
  for (let i = 0; i < count; i++) names.set(reader.u32(), reader.name());
}

/** The indices of what is called by each of `wanted`; fails if a name is missing or stands for several. */
export function indicesOf(
  names: ReadonlyMap<number, string>,
  wanted: readonly string[],
  what: "function" | "global",
): Map<string, number> {
  const missing = new Set(wanted);
  const found = new Map<string, number>();
  for (const [index, name] of names) {
    if (!missing.has(name) && !found.has(name)) continue;
    if (found.has(name)) throw new WasmError(`several ${what}s are named "${name}"`, 0);
    missing.delete(name);
    found.set(name, index);
  }
  for (const name of missing) throw new WasmError(`no ${what} is named "${name}"`, 0);
  return found;
}

import { type Code, functionBody, globalSet, i32, UNREACHABLE } from "./assemble.ts";
import type { Names } from "./names.ts";
import type { Module } from "./sections.ts";

/** Whether to cut a function. It is told apart by its index, imported ones first, and its debug name. */
export type Cut = (index: number, name: string | undefined) => boolean;

/** The functions to cut, numbered as the module defines them. */
export function cutFunctions(module: Module, names: Names, cut: Cut): ReadonlySet<number> {
  const chosen = new Set<number>();
  for (let n = 0; n < module.bodies.length; n++) {
    const index = module.importedFunctions + n;
    if (cut(index, names.functions.get(index))) chosen.add(n);
  }
  return chosen;
}

/** The value of `capsule_cut` as long as no cut function was called. */
export const NOTHING_CUT = -1;

/** What a cut function becomes: it leaves its index in a global for the host and traps. */
export function cutBody(global: number, index: number): Code {
  return functionBody([], i32(index), globalSet(global), UNREACHABLE);
}

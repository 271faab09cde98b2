import { type Code, globalGet, globalSet, i32, i32Add, i32Sub } from "./assemble.ts";
import { s32 } from "./binary.ts";
import type { Layout } from "./layout.ts";
import { VOID_BLOCK } from "./opcodes.ts";

/** How far a function lowers the shadow stack to make up for its frame on the native one, in bytes. */
export interface Padding {
  /** Default 96. */
  readonly base: number;
  /** For each parameter and local. Default 8. */
  readonly perLocal: number;
}

export const DEFAULT_PADDING: Padding = { base: 96, perLocal: 8 };

/** The stack pointer stays aligned to 16 bytes. */
export function paddingBytes({ base, perLocal }: Padding, locals: number): number {
  return Math.ceil((base + perLocal * locals) / 16) * 16;
}

export function lowerStack(stackPointer: number, bytes: number): Code {
  return [...globalGet(stackPointer), ...i32(bytes), ...i32Sub, ...globalSet(stackPointer)];
}

export function raiseStack(stackPointer: number, bytes: number): Code {
  return [...globalGet(stackPointer), ...i32(bytes), ...i32Add, ...globalSet(stackPointer)];
}

/** The type of a block with a function's results: those of a padded one become a block's. */
export function resultBlockType(layout: Layout, results: readonly number[]): Code {
  if (results.length === 0) return [VOID_BLOCK];
  if (results.length === 1) return results;
  return s32(layout.type({ params: [], results }));
}

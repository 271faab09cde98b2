import { Reader } from "../binary.ts";
import type { Instruction } from "../instruction.ts";
import { Op, ValueType } from "../opcodes.ts";
import type { Module } from "../sections.ts";

/** Whether an instruction is a store: those that write to memory and are no bulk operations. */
export function isStore({ opcode, immediate }: Instruction): boolean {
  if (opcode !== Op.simd) return opcode >= FIRST && opcode < FIRST + STORED.length;
  return immediate === 11 || (immediate >= 88 && immediate <= 91);
}

/** The type of the value that a store takes. */
export function storedType({ opcode }: Instruction): number {
  return opcode === Op.simd ? ValueType.v128 : (STORED[opcode - FIRST] as number);
}

/** `i32.store`, and what the stores from there on take. */
const FIRST = 0x36;
const { i32: I32, i64: I64, f32: F32, f64: F64 } = ValueType;
const STORED: readonly number[] = [I32, I64, F32, F64, I32, I32, I64, I64, I64];

/** The constant that a store adds to its address. */
export function storeOffset(module: Module, { opcode, start, end }: Instruction): number {
  const reader = new Reader(module.bytes, start + 1, end);
  if (opcode === Op.simd) reader.u32();
  reader.u32();
  return reader.u32();
}

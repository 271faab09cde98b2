import { type Code, localGet, localTee } from "./assemble.ts";
import type { Instruction } from "./instruction.ts";
import { nanType, Op } from "./opcodes.ts";

/** The NaN that every other one is replaced by: positive, quiet, no payload. */
const CANONICAL = {
  f32: [Op.f32Const, 0, 0, 0xc0, 0x7f],
  f64: [Op.f64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
} as const;

const EQUAL = { f32: 0x5b, f64: 0x61 } as const;

/** Replaces the value on the stack by the canonical NaN if it is one. Costs no fuel. */
export function canonicalise(type: "f32" | "f64", scratch: number): Code {
  const value = localGet(scratch);
  return [...localTee(scratch), ...CANONICAL[type], ...value, ...value, EQUAL[type], Op.select];
}

/**
 * The type of an instruction's result if its NaN bits could be seen: not if the next instruction takes it
 * and makes a number of its own, a comparison or an integer of it.
 */
export function visibleNan(
  instruction: Instruction,
  next: Instruction | undefined,
): "f32" | "f64" | undefined {
  const type = nanType(instruction.opcode);
  return type === undefined || (next !== undefined && ignoresNanBits(next)) ? undefined : type;
}

function ignoresNanBits({ opcode, immediate }: Instruction): boolean {
  const compares = opcode >= 0x5b && opcode <= 0x66;
  const truncates = (opcode >= 0xa8 && opcode <= 0xab) || (opcode >= 0xae && opcode <= 0xb1);
  const saturates = opcode === Op.prefixed && immediate <= 7;
  return compares || truncates || saturates || opcode === Op.drop || nanType(opcode) !== undefined;
}

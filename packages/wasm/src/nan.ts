import { type Code, localGet, localTee } from "./assemble.ts";
import { u32 } from "./binary.ts";
import type { Instruction } from "./instruction.ts";
import { nanType, Op, simdNanType, simdTakes } from "./opcodes.ts";

/** A float, or what the lanes of a vector are taken for. */
export type FloatShape = "f32" | "f64" | "f32x4" | "f64x2";

const F32 = [0, 0, 0xc0, 0x7f];
const F64 = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f];
const VECTOR = [Op.simd, ...u32(12)];

/** The NaN that every other one is replaced by: positive, quiet, no payload. */
const CANONICAL: Readonly<Record<FloatShape, Code>> = {
  f32: [Op.f32Const, ...F32],
  f64: [Op.f64Const, ...F64],
  f32x4: [...VECTOR, ...F32, ...F32, ...F32, ...F32],
  f64x2: [...VECTOR, ...F64, ...F64],
};

/** Compares a value with itself and takes it, or else, lane by lane, the canonical NaN. */
const EQUAL_AND_CHOOSE: Readonly<Record<FloatShape, Code>> = {
  f32: [0x5b, Op.select],
  f64: [0x61, Op.select],
  f32x4: [Op.simd, ...u32(65), Op.simd, ...u32(82)],
  f64x2: [Op.simd, ...u32(71), Op.simd, ...u32(82)],
};

/** Replaces the value on the stack by the canonical NaN if it is one. Costs no fuel. */
export function canonicalise(shape: FloatShape, scratch: number): Code {
  const value = localGet(scratch);
  return [...localTee(scratch), ...CANONICAL[shape], ...value, ...value, ...EQUAL_AND_CHOOSE[shape]];
}

/**
 * The shape of an instruction's result if its NaN bits could be seen: not if the next instruction takes it
 * and makes a number of its own, a comparison or an integer of it.
 */
export function visibleNan(instruction: Instruction, next: Instruction | undefined): FloatShape | undefined {
  if (instruction.opcode === Op.simd) {
    const shape = simdNanType(instruction.immediate);
    const ignored = next?.opcode === Op.simd && shape !== undefined && shape === simdTakes(next.immediate);
    return ignored || next?.opcode === Op.drop ? undefined : shape;
  }
  const type = nanType(instruction.opcode);
  return type === undefined || (next !== undefined && ignoresNanBits(next)) ? undefined : type;
}

function ignoresNanBits({ opcode, immediate }: Instruction): boolean {
  const compares = opcode >= 0x5b && opcode <= 0x66;
  const truncates = (opcode >= 0xa8 && opcode <= 0xab) || (opcode >= 0xae && opcode <= 0xb1);
  const saturates = opcode === Op.prefixed && immediate <= 7;
  return compares || truncates || saturates || opcode === Op.drop || nanType(opcode) !== undefined;
}

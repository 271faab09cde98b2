import { WasmError } from "../errors.ts";
import type { Instruction } from "../instruction.ts";
import { Op, Prefixed } from "../opcodes.ts";

/** How many operands an instruction takes from the stack, and how many it leaves there. */
export interface Arity {
  readonly takes: number;
  readonly gives: number;
}

/**
 * The arity of an instruction that has neither to do with control nor with calls.
 * @throws {WasmError} if it is not known
 */
export function arityOf(instruction: Instruction): Arity {
  const { opcode, immediate, start } = instruction;
  const known =
    opcode === Op.simd
      ? simdArity(immediate)
      : opcode === Op.prefixed
        ? PREFIXED_ARITIES[immediate]
        : ARITIES[opcode];
  if (known === undefined) throw new WasmError(`unknown instruction 0x${opcode.toString(16)}`, start);
  return known;
}

const arity = (takes: number, gives: number): Arity => ({ takes, gives });

const [CONSTANT, UNARY, BINARY, TERNARY] = [arity(0, 1), arity(1, 1), arity(2, 1), arity(3, 1)];
const [STORE, BULK, NOTHING] = [arity(2, 0), arity(3, 0), arity(0, 0)];

type Ranges = readonly (readonly [first: number, last: number, arity: Arity])[];

function table(size: number, ranges: Ranges): readonly (Arity | undefined)[] {
  const list = new Array<Arity | undefined>(size).fill(undefined);
  for (const [first, last, value] of ranges) list.fill(value, first, last + 1);
  return list;
}

const ARITIES = table(256, [
  [Op.nop, Op.nop, NOTHING],
  [Op.drop, Op.drop, arity(1, 0)],
  [Op.select, 0x1c, TERNARY],
  [Op.globalGet, Op.globalGet, CONSTANT],
  [Op.globalSet, Op.globalSet, arity(1, 0)],
  [0x25, 0x25, UNARY], // table.get
  [0x26, 0x26, STORE], // table.set
  [0x28, 0x35, UNARY], // loads
  [0x36, 0x3e, STORE],
  [Op.memorySize, Op.memorySize, CONSTANT],
  [Op.memoryGrow, Op.memoryGrow, UNARY],
  [Op.i32Const, Op.f64Const, CONSTANT],
  [0x45, 0x66, BINARY], // comparisons
  [0x45, 0x45, UNARY],
  [0x50, 0x50, UNARY],
  [0x67, 0xa6, BINARY], // arithmetic
  [0x67, 0x69, UNARY],
  [0x79, 0x7b, UNARY],
  [0x8b, 0x91, UNARY],
  [0x99, 0x9f, UNARY],
  [0xa7, 0xc4, UNARY], // conversions
  [Op.refNull, Op.refNull, CONSTANT],
  [0xd1, 0xd1, UNARY], // ref.is_null
  [Op.refFunc, Op.refFunc, CONSTANT],
]);

const PREFIXED_ARITIES = table(18, [
  [0, 7, UNARY], // saturating conversions
  [Prefixed.memoryInit, Prefixed.tableFill, BULK],
  [Prefixed.dataDrop, Prefixed.dataDrop, NOTHING],
  [Prefixed.elemDrop, Prefixed.elemDrop, NOTHING],
  [Prefixed.tableGrow, Prefixed.tableGrow, BINARY],
  [Prefixed.tableSize, Prefixed.tableSize, CONSTANT],
]);

/** Everything that is not listed here takes two vectors. */
const SIMD_ARITIES = table(256, [
  [0, 10, UNARY], // loads
  [11, 11, STORE],
  [12, 12, CONSTANT],
  [15, 22, UNARY], // splats and lanes
  [24, 25, UNARY],
  [27, 27, UNARY],
  [29, 29, UNARY],
  [31, 31, UNARY],
  [33, 33, UNARY],
  [77, 77, UNARY],
  [82, 82, TERNARY], // bitselect
  [83, 83, UNARY],
  [88, 91, STORE],
  [92, 100, UNARY],
  [103, 106, UNARY],
  [116, 117, UNARY],
  [122, 122, UNARY],
  [124, 129, UNARY],
  [131, 132, UNARY],
  [135, 138, UNARY],
  [148, 148, UNARY],
  [160, 161, UNARY],
  [163, 164, UNARY],
  [167, 170, UNARY],
  [192, 193, UNARY],
  [195, 196, UNARY],
  [199, 202, UNARY],
  [224, 225, UNARY],
  [227, 227, UNARY],
  [236, 237, UNARY],
  [239, 239, UNARY],
  [248, 255, UNARY],
]);

function simdArity(kind: number): Arity {
  return SIMD_ARITIES[kind] ?? BINARY;
}

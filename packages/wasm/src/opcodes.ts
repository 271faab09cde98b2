import type { Reader } from "./binary.ts";

/**
 * The instructions the rewriter treats by name.
 *
 * @see https://webassembly.github.io/spec/core/binary/instructions.html
 */
export const Op = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  delegate: 0x18,
  catchAll: 0x19,
  drop: 0x1a,
  select: 0x1b,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Load: 0x28,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  refNull: 0xd0,
  refFunc: 0xd2,
  prefixed: 0xfc,
  simd: 0xfd,
} as const;

/** The instructions behind the prefix byte 0xfc that the rewriter treats by name. */
export const Prefixed = {
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elemDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const;

/** The instructions behind the prefix byte 0xfd that have something behind their number. */
const SIMD_IMMEDIATES: readonly (readonly [first: number, last: number, immediate: SimdImmediate])[] = [
  [0, 11, "memoryArgument"],
  [12, 13, "bytes"],
  [21, 34, "lane"],
  [84, 91, "memoryArgumentAndLane"],
  [92, 93, "memoryArgument"],
];

/** The first of the relaxed instructions, whose results depend on the processor. */
export const RELAXED_SIMD = 256;

/** What follows the number of a SIMD instruction; `bytes` are 16. */
export type SimdImmediate = "none" | "memoryArgument" | "bytes" | "lane" | "memoryArgumentAndLane";

export function simdImmediateOf(kind: number): SimdImmediate {
  for (const [first, last, immediate] of SIMD_IMMEDIATES) {
    if (kind >= first && kind <= last) return immediate;
  }
  return "none";
}

/** Value types, as they are written in a module. */
export const ValueType = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
  exnref: 0x69,
} as const;

/** The block type of a block without parameters and results. */
export const VOID_BLOCK = 0x40;

/** What follows an opcode. */
export type Immediate =
  | "none"
  | "block"
  | "label"
  | "labelTable"
  | "tryTable"
  | "function"
  | "indirect"
  | "tag"
  | "local"
  | "global"
  | "table"
  | "memory"
  | "memoryArgument"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "types"
  | "heapType"
  | "prefixed"
  | "simd";

/** The immediate of every one-byte opcode that is supported. */
const IMMEDIATES: readonly (Immediate | undefined)[] = immediates();

/** The immediate of `opcode`, which starts at `offset`; fails if the instruction is not supported. */
export function immediateOf(opcode: number, offset: number, reader: Reader): Immediate {
  const immediate = IMMEDIATES[opcode];
  if (immediate !== undefined) return immediate;
  const feature = REFUSED[opcode];
  if (feature !== undefined) return reader.fail(`unsupported WebAssembly feature: ${feature}`, offset);
  return reader.fail(`unknown instruction 0x${opcode.toString(16)}`, offset);
}

const REFUSED: Readonly<Record<number, string>> = {
  20: "typed function references (call_ref)",
  21: "typed function references (return_call_ref)",
  211: "garbage collection (ref.eq)",
  212: "typed function references (ref.as_non_null)",
  213: "typed function references (br_on_null)",
  214: "typed function references (br_on_non_null)",
  251: "garbage collection",
  254: "threads",
};

function immediates(): (Immediate | undefined)[] {
  const table = new Array<Immediate | undefined>(256).fill(undefined);
  const set = (immediate: Immediate, first: number, last = first) => table.fill(immediate, first, last + 1);
  set("none", Op.unreachable, Op.nop);
  set("block", Op.block, Op.if);
  set("none", Op.else);
  set("block", Op.try);
  set("tag", Op.catch, Op.throw);
  set("label", Op.rethrow);
  set("none", Op.throwRef, Op.end);
  set("label", Op.br, Op.brIf);
  set("labelTable", Op.brTable);
  set("none", Op.return);
  set("function", Op.call);
  set("indirect", Op.callIndirect);
  set("function", Op.returnCall);
  set("indirect", Op.returnCallIndirect);
  set("label", Op.delegate);
  set("none", Op.catchAll, Op.select);
  set("types", 0x1c);
  set("tryTable", Op.tryTable);
  set("local", Op.localGet, Op.localTee);
  set("global", Op.globalGet, Op.globalSet);
  set("table", 0x25, 0x26);
  set("memoryArgument", 0x28, 0x3e);
  set("memory", Op.memorySize, Op.memoryGrow);
  set("i32", Op.i32Const);
  set("i64", Op.i64Const);
  set("f32", Op.f32Const);
  set("f64", Op.f64Const);
  set("none", 0x45, 0xc4);
  set("heapType", Op.refNull);
  set("none", 0xd1);
  set("function", Op.refFunc);
  set("prefixed", Op.prefixed);
  set("simd", Op.simd);
  return table;
}

/**
 * What an instruction costs, in units of fuel: 1, or nothing for those that only give structure. Bulk
 * operations and `memory.grow` are charged by length on top of it when they run.
 */
export function costOf(opcode: number): number {
  return COSTS[opcode] as number;
}

/** V8 needs half a microsecond to throw and 0.1 for each frame that is left: never one machine instruction. */
const THROW_COST = 1000;

const COSTS: readonly number[] = costs();

function costs(): number[] {
  const table = new Array<number>(256).fill(1);
  const { nop, block, loop, try: try_, tryTable, catch: catch_, catchAll, delegate, end } = Op;
  for (const free of [nop, block, loop, Op.else, try_, tryTable, catch_, catchAll, delegate, end])
    table[free] = 0;
  for (const thrower of [Op.throw, Op.rethrow, Op.throwRef]) table[thrower] = THROW_COST;
  return table;
}

/**
 * Whether an instruction computes a float whose bits may be any NaN's. Loads, constants, `neg`, `abs`,
 * `copysign` and reinterpretations move bits unchanged.
 *
 * @see https://webassembly.github.io/spec/core/exec/numerics.html#nan-propagation
 */
export function nanType(opcode: number): "f32" | "f64" | undefined {
  if ((opcode >= 0x8d && opcode <= 0x97) || opcode === 0xb6) return "f32";
  if ((opcode >= 0x9b && opcode <= 0xa5) || opcode === 0xbb) return "f64";
  return undefined;
}

/**
 * The same for the SIMD instruction with number `kind`, by what its result's lanes are. `pmin` and `pmax` choose
 * one of their operands.
 */
export function simdNanType(kind: number): "f32x4" | "f64x2" | undefined {
  if (F32X4_ARITHMETIC.has(kind) || kind === DEMOTE) return "f32x4";
  if (F64X2_ARITHMETIC.has(kind) || kind === PROMOTE) return "f64x2";
  return undefined;
}

/** What lanes a SIMD instruction takes of which it does not show the bits of NaNs. */
export function simdTakes(kind: number): "f32x4" | "f64x2" | undefined {
  const compares32 = kind >= 65 && kind <= 70;
  const truncates32 = kind === 248 || kind === 249;
  if (compares32 || truncates32 || F32X4_ARITHMETIC.has(kind) || kind === PROMOTE) return "f32x4";
  const compares64 = kind >= 71 && kind <= 76;
  const truncates64 = kind === 252 || kind === 253;
  if (compares64 || truncates64 || F64X2_ARITHMETIC.has(kind) || kind === DEMOTE) return "f64x2";
  return undefined;
}

/** ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max. */
const F32X4_ARITHMETIC: ReadonlySet<number> = new Set([
  103, 104, 105, 106, 227, 228, 229, 230, 231, 232, 233,
]);
const F64X2_ARITHMETIC: ReadonlySet<number> = new Set([
  116, 117, 122, 148, 239, 240, 241, 242, 243, 244, 245,
]);

/** `f32x4.demote_f64x2_zero` and `f64x2.promote_low_f32x4`. */
const [DEMOTE, PROMOTE] = [94, 95];

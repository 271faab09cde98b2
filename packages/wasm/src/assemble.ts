import { s32, u32 } from "./binary.ts";
import { Op, ValueType, VOID_BLOCK } from "./opcodes.ts";

/**
 * Instructions as bytes, for the code that the rewriter inserts. Arguments of instructions come first, as in
 * a stack machine: `[...get(0), ...i32(1), Op_add]`.
 */
export type Code = readonly number[];

export const localGet = (local: number): Code => [Op.localGet, ...u32(local)];
export const localSet = (local: number): Code => [Op.localSet, ...u32(local)];
export const localTee = (local: number): Code => [Op.localTee, ...u32(local)];
export const globalGet = (global: number): Code => [Op.globalGet, ...u32(global)];
export const globalSet = (global: number): Code => [Op.globalSet, ...u32(global)];
export const i32 = (value: number): Code => [Op.i32Const, ...s32(value)];
export const call = (functionIndex: number): Code => [Op.call, ...u32(functionIndex)];
export const ifThen = (...code: Code[]): Code => [Op.if, VOID_BLOCK, ...code.flat(), Op.end];
export const ifElse = (yes: Code, no: Code): Code => [Op.if, VOID_BLOCK, ...yes, Op.else, ...no, Op.end];
export const loop = (...code: Code[]): Code => [Op.loop, VOID_BLOCK, ...code.flat(), Op.end];
export const br = (depth: number): Code => [Op.br, ...u32(depth)];
export const brIf = (depth: number): Code => [Op.brIf, ...u32(depth)];
export const RETURN: Code = [Op.return];
export const UNREACHABLE: Code = [Op.unreachable];

export const i32LtS: Code = [0x48];
export const i32LtU: Code = [0x49];
export const i32GtU: Code = [0x4b];
export const i32LeU: Code = [0x4d];
export const i32Eqz: Code = [0x45];
export const i32Eq: Code = [0x46];
export const i32Ne: Code = [0x47];
export const i32Or: Code = [0x72];
export const i32Add: Code = [0x6a];
export const i32Sub: Code = [0x6b];
export const i32Shl: Code = [0x74];
export const i32ShrU: Code = [0x76];
export const i64Add: Code = [0x7c];
export const i64Shl: Code = [0x86];
export const i64GtU: Code = [0x56];
export const i64ExtendU: Code = [0xad];
export const i64 = (value: number): Code => [Op.i64Const, ...s32(value)];

/** A function body: groups of locals, instructions, `end`. */
export function functionBody(locals: readonly (keyof typeof ValueType)[], ...code: Code[]): number[] {
  const declarations = locals.flatMap((type) => [1, ValueType[type]]);
  return [...u32(locals.length), ...declarations, ...code.flat(), Op.end];
}

/** A function body with its size in front, as in the code section. */
export function sized(body: readonly number[]): number[] {
  return [...u32(body.length), ...body];
}

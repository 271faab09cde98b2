import {
  type Code,
  globalGet,
  globalSet,
  i32,
  i32LeU,
  i32LtS,
  i32Shl,
  i32ShrU,
  ifThen,
  localGet,
  localSet,
  sized,
  UNREACHABLE,
} from "../../src/assemble.ts";
import { Writer } from "../../src/binary.ts";
import { decodeBody } from "../../src/body.ts";
import { cost, type Instruction } from "../../src/instruction.ts";
import { Op, Prefixed, ValueType } from "../../src/opcodes.ts";
import { decodeModule, type Module, SectionId } from "../../src/sections.ts";
import { edited, sectionOf } from "./edit.ts";

/** The export of `plainly` that counts fuel, from 0 up. */
export const PLAIN_FUEL = "fuzz:fuel";

/**
 * The second opinion on what a rewritten module computes and costs, made as plainly as can be: each instruction adds
 * what it costs to a global just before it runs, bulk operations and growing when they are done, and each float that
 * an instruction computes or the host gives is made canonical. Where a loop begins and where a function does, it traps
 * if more than `budget` was used.
 */
export function plainly(wasm: Uint8Array, budget: number): Uint8Array {
  const module = decodeModule(wasm);
  const fuel = module.globals.length;
  const bodies = module.bodies.map((_, n) => plainBody(module, n, fuel, budget));
  const name = [...new TextEncoder().encode(PLAIN_FUEL)];
  return edited(module, {
    sections: new Map([[SectionId.code, sectionOf(bodies)]]),
    added: new Map([
      [SectionId.global, [[ValueType.i32, 1, ...i32(0), Op.end]]],
      [SectionId.export, [[name.length, ...name, 3, ...unsigned(fuel)]]],
    ]),
  });
}

const unsigned = (value: number): number[] => {
  const writer = new Writer(8);
  writer.u32(value);
  return [...writer.finish()];
};

function plainBody(module: Module, n: number, fuel: number, budget: number): number[] {
  const { instructions, locals, localCount } = decodeBody(module, n);
  // Locals of ours: lengths, then floats of each kind.
  const [length, size, f32, f64, v128] = [0, 1, 2, 3, 4].map((i) => localCount + i) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const add = (units: Code): Code => [...globalGet(fuel), ...units, 0x6a, ...globalSet(fuel)];
  const stop: Code = [...i32(budget), ...globalGet(fuel), ...i32LtS, ...ifThen(UNREACHABLE)];
  const body = new Writer();
  body.u32(locals.groups + 4);
  body.bytes(module.bytes.subarray(locals.start, locals.end));
  body.bytes([2, ValueType.i32, 1, ValueType.f32, 1, ValueType.f64, 1, ValueType.v128]);
  body.bytes(stop);
  for (const instruction of instructions) {
    const own = module.bytes.subarray(instruction.start, instruction.end);
    const units = cost(instruction);
    if (units > 0) body.bytes(add(i32(units)));
    const kind = lengthOf(instruction);
    if (kind !== undefined) body.bytes([...localSet(length), ...localGet(length)]);
    body.bytes(own);
    if (kind === "memory") body.bytes(add([...localGet(length), ...i32(4), ...i32ShrU]));
    if (kind === "table") body.bytes(add([...localGet(length), ...i32(6), ...i32Shl]));
    if (kind === "tableGrow") {
      // More than that at a time is refused, and costs nothing.
      const tried: Code = [...localGet(length), ...i32(1 << 20), ...i32LeU];
      body.bytes([...tried, ...ifThen(add([...localGet(length), ...i32(6), ...i32Shl]))]);
    }
    if (kind === "grow") {
      const granted: Code = [...localSet(size), ...localGet(size), ...i32(-1), 0x47];
      body.bytes([
        ...granted,
        ...ifThen(add([...localGet(length), ...i32(12), ...i32Shl])),
        ...localGet(size),
      ]);
    }
    if (instruction.opcode === Op.loop) body.bytes(stop);
    const shape = floatShape(module, instruction);
    if (shape) body.bytes(canonical(shape, { f32, f64, f32x4: v128, f64x2: v128 }[shape]));
  }
  return sized([...body.finish()]);
}

type Shape = "f32" | "f64" | "f32x4" | "f64x2";

/** Opcodes and numbers of vector instructions by which a float comes about, as the specification lists them. */
const FLOATS: Readonly<Record<"f32" | "f64", readonly (readonly [first: number, last: number])[]>> = {
  f32: [
    [0x8d, 0x97],
    [0xb2, 0xb6],
  ],
  f64: [
    [0x9b, 0xa5],
    [0xb7, 0xbb],
  ],
};
const VECTORS: Readonly<Record<"f32x4" | "f64x2", readonly (readonly [first: number, last: number])[]>> = {
  f32x4: [
    [0x5e, 0x5e],
    [0x67, 0x6a],
    [0xe3, 0xe9],
    [0xfa, 0xfb],
  ],
  f64x2: [
    [0x5f, 0x5f],
    [0x74, 0x75],
    [0x7a, 0x7a],
    [0x94, 0x94],
    [0xef, 0xf5],
    [0xfe, 0xff],
  ],
};

const holds = (runs: readonly (readonly [number, number])[], code: number): boolean =>
  runs.some(([first, last]) => code >= first && code <= last);

function floatShape(module: Module, { opcode, immediate }: Instruction): Shape | undefined {
  if (opcode === Op.simd)
    return holds(VECTORS.f32x4, immediate) ? "f32x4" : holds(VECTORS.f64x2, immediate) ? "f64x2" : undefined;
  if (holds(FLOATS.f32, opcode)) return "f32";
  if (holds(FLOATS.f64, opcode)) return "f64";
  if (opcode !== Op.call || immediate >= module.importedFunctions) return undefined;
  const { results } = module.types[module.functions[immediate] as number] ?? { results: [] };
  if (results.length !== 1) return undefined;
  return results[0] === ValueType.f32 ? "f32" : results[0] === ValueType.f64 ? "f64" : undefined;
}

/** If the value is not equal to itself: the positive NaN without payload. */
function canonical(shape: Shape, local: number): Code {
  const value = localGet(local);
  const nan32 = [0, 0, 0xc0, 0x7f];
  const nan64 = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f];
  const save = localSet(local);
  switch (shape) {
    case "f32":
      return [...save, 0x43, ...nan32, ...value, ...value, ...value, 0x5c, Op.select];
    case "f64":
      return [...save, 0x44, ...nan64, ...value, ...value, ...value, 0x62, Op.select];
    case "f32x4":
      return [
        ...save,
        ...vector([...nan32, ...nan32, ...nan32, ...nan32]),
        ...value,
        ...value,
        ...value,
        Op.simd,
        66,
        Op.simd,
        82,
      ];
    case "f64x2":
      return [
        ...save,
        ...vector([...nan64, ...nan64]),
        ...value,
        ...value,
        ...value,
        Op.simd,
        72,
        Op.simd,
        82,
      ];
  }
}

const vector = (bytes: Code): Code => [Op.simd, 12, ...bytes];

/** What the length on top of the stack stands for. */
function lengthOf({ opcode, immediate }: Instruction): "memory" | "table" | "tableGrow" | "grow" | undefined {
  if (opcode === Op.memoryGrow) return "grow";
  if (opcode !== Op.prefixed) return undefined;
  const { memoryInit, memoryCopy, memoryFill, tableInit, tableCopy, tableGrow, tableFill } = Prefixed;
  if ([memoryInit, memoryCopy, memoryFill].includes(immediate as 8)) return "memory";
  if (immediate === tableGrow) return "tableGrow";
  return [tableInit, tableCopy, tableFill].includes(immediate as 12) ? "table" : undefined;
}

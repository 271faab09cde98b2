import {
  type Code,
  globalGet,
  globalSet,
  i32,
  i32Shl,
  i32ShrU,
  i32Sub,
  localGet,
  localSet,
  sized,
} from "../assemble.ts";
import { Writer } from "../binary.ts";
import { decodeBody } from "../body.ts";
import { cost, type Instruction } from "../instruction.ts";
import { Op, Prefixed, ValueType } from "../opcodes.ts";
import { decodeModule, SECTION_ORDER, SectionId } from "../sections.ts";

/**
 * The plainest meter there can be: every instruction that costs something takes it from a global, exported
 * as `fuel`, just before it runs; memory operations and `memory.grow` also pay by length.
 */
export function meterPlainly(wasm: Uint8Array): Uint8Array {
  const module = decodeModule(wasm);
  const fuel = module.globals.length;
  const out = new Writer();
  out.bytes([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const id of SECTION_ORDER) {
    const items = module.items.get(id);
    const content = new Writer();
    if (id === SectionId.global || id === SectionId.export) content.u32((items?.count ?? 0) + 1);
    else if (items) content.u32(items.count);
    else continue;
    if (id === SectionId.code) for (const n of module.bodies.keys()) content.bytes(meteredBody(n));
    else if (items) content.bytes(module.bytes.subarray(items.start, items.end));
    if (id === SectionId.global) content.bytes([ValueType.i32, 1, ...i32(0), Op.end]);
    if (id === SectionId.export) {
      content.name("fuel");
      content.byte(3);
      content.u32(fuel);
    }
    out.byte(id);
    out.u32(content.length);
    out.bytes(content.view(0));
  }
  return out.finish();

  function meteredBody(n: number): number[] {
    const { instructions, locals, localCount } = decodeBody(module, n);
    const body = new Writer();
    body.u32(locals.groups + 1);
    body.bytes(module.bytes.subarray(locals.start, locals.end));
    body.bytes([1, ValueType.i32]);
    for (const instruction of instructions) {
      const units = cost(instruction);
      if (units > 0) body.bytes(charge(i32(units)));
      const byLength = lengthUnits(instruction, localGet(localCount));
      if (byLength) body.bytes([...localSet(localCount), ...charge(byLength), ...localGet(localCount)]);
      body.bytes(module.bytes.subarray(instruction.start, instruction.end));
    }
    return sized([...body.finish()]);
  }

  function charge(units: Code): Code {
    return [...globalGet(fuel), ...units, ...i32Sub, ...globalSet(fuel)];
  }
}

function lengthUnits({ opcode, immediate }: Instruction, length: Code): Code | undefined {
  if (opcode === Op.memoryGrow) return [...length, ...i32(12), ...i32Shl];
  const lengthMatters = MEMORY_OPERATIONS.has(immediate) && opcode === Op.prefixed;
  return lengthMatters ? [...length, ...i32(4), ...i32ShrU] : undefined;
}

const MEMORY_OPERATIONS: ReadonlySet<number> = new Set([
  Prefixed.memoryInit,
  Prefixed.memoryCopy,
  Prefixed.memoryFill,
]);

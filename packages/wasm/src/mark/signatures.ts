import { Reader } from "../binary.ts";
import { unsupported } from "../errors.ts";
import type { Instruction } from "../instruction.ts";
import { VOID_BLOCK } from "../opcodes.ts";
import { type FunctionType, type Module, SectionId } from "../sections.ts";

const NOTHING: FunctionType = { params: [], results: [] };

/** A module's type, by its index. */
export const typeAt = ({ types }: Module, index: number): FunctionType => types[index] ?? NOTHING;

/** The type of a function, by its index. */
export const typeOf = (module: Module, functionIndex: number): FunctionType =>
  typeAt(module, module.functions[functionIndex] ?? -1);

/** How many values a block takes from the stack, and how many it leaves. */
export function blockType(module: Module, { start }: Instruction): { params: number; results: number } {
  const first = module.bytes[start + 1] as number;
  if (first === VOID_BLOCK) return { params: 0, results: 0 };
  if (first > VOID_BLOCK && first < 0x80) return { params: 0, results: 1 };
  const { params, results } = typeAt(module, new Reader(module.bytes, start + 1).u32());
  return { params: params.length, results: results.length };
}

/**
 * How many values a `catch` leaves on the stack.
 * @throws {WasmError} if its tag is imported
 */
export function tagParams(module: Module, { start }: Instruction): number {
  const { bytes, items, tags } = module;
  const tag = new Reader(bytes, start + 1).u32();
  const section = items.get(SectionId.tag);
  const imported = tags - (section?.count ?? 0);
  if (section === undefined || tag < imported) throw unsupported("imported tags, together with marks", start);
  const reader = new Reader(bytes, section.start, section.end);
  for (let t = imported; t < tag; t++) {
    reader.byte();
    reader.u32();
  }
  reader.byte();
  return typeAt(module, reader.u32()).params.length;
}

import { i32 } from "./assemble.ts";
import { Reader, Writer } from "./binary.ts";
import { Op } from "./opcodes.ts";
import { type Module, SectionId } from "./sections.ts";

/**
 * The element section without cut functions, or `undefined` where it has to stay: only a single segment that fills
 * the first table from a constant on is understood.
 *
 * Most of what starting an instance takes is filling its table. A slot that is left out is null: an indirect call
 * through it traps as that of a cut function does.
 */
export function elementsWithout(module: Module, cut: ReadonlySet<number>): Writer | undefined {
  const section = module.items.get(SectionId.element);
  if (section?.count !== 1 || cut.size === 0) return undefined;
  const reader = new Reader(module.bytes, section.start, section.end);
  if (reader.u32() !== 0 || reader.byte() !== Op.i32Const) return undefined;
  const first = reader.s32();
  if (reader.byte() !== Op.end) return undefined;
  const functions = Array.from({ length: reader.count("element segment") }, () => reader.u32());
  const runs = runsOf(functions, (index) => !cut.has(index - module.importedFunctions));
  if (runs.length === 0) return undefined;
  const content = new Writer(1 << 16);
  content.u32(runs.length);
  for (const { start, end } of runs) {
    content.bytes([0, ...i32(first + start), Op.end]);
    content.u32(end - start);
    for (const index of functions.slice(start, end)) content.u32(index);
  }
  return content;
}

/** The longest runs of items that `stay`. */
function runsOf(items: readonly number[], stay: (item: number) => boolean): { start: number; end: number }[] {
  const runs: { start: number; end: number }[] = [];
  for (let start = 0; start < items.length; start++) {
    if (!stay(items[start] as number)) continue;
    let end = start + 1;
    while (end < items.length && stay(items[end] as number)) end++;
    runs.push({ start, end });
    start = end;
  }
  return runs;
}

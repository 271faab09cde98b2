import { type Code, i32, sized } from "./assemble.ts";
import { Writer } from "./binary.ts";
import { elementsWithout } from "./elements.ts";
import type { Hint } from "./emit.ts";
import { unsupported, WasmError } from "./errors.ts";
import type { Layout } from "./layout.ts";
import { mapPages } from "./mark/grain.ts";
import { indicesOf, type Names } from "./names.ts";
import { Op, ValueType } from "./opcodes.ts";
import type { BranchCounters } from "./profile.ts";
import {
  type Export,
  ExternKind,
  type FunctionType,
  type Module,
  type Range,
  SECTION_ORDER,
  SectionId,
} from "./sections.ts";

export type AddedExport = Export;

/** The parts of a rewritten module that are not the original's. */
export interface Rewritten {
  readonly layout: Layout;
  /** Exports of the original that stay. */
  readonly exports: readonly Export[];
  readonly added: readonly AddedExport[];
  /** The bodies of the original's functions, each behind its size. */
  readonly code: Writer;
  readonly hints: readonly (readonly Hint[])[];
  readonly counters: BranchCounters | undefined;
  readonly dropData: boolean | undefined;
  readonly dropNames: boolean | undefined;
  /** Functions that are cut, numbered as the module defines them. */
  readonly cut: ReadonlySet<number>;
}

/** The exports called `names`, in the module's order; fails if one does not exist or is ours. */
export function keptExports(module: Module, names: readonly string[]): Export[] {
  const wanted = new Set(names);
  const offset = exportsOffset(module);
  const kept = module.exports.filter(({ name }) => wanted.delete(name));
  for (const name of wanted) throw new WasmError(`no export "${name}"`, offset);
  return kept;
}

/** Exports of functions by their debug names. */
export function namedExports(names: Names, wanted: readonly string[]): Export[] {
  const found = indicesOf(names.functions, wanted, "function");
  return wanted.map((name) => ({ name, kind: ExternKind.function, index: found.get(name) as number }));
}

/** Fails if a name is used twice or one of ours. */
export function checkExportNames(module: Module, exports: readonly Export[]): void {
  const seen = new Set<string>();
  for (const { name } of exports) {
    if (name.startsWith("capsule_"))
      throw new WasmError(`export "${name}" has a reserved name`, exportsOffset(module));
    if (seen.has(name)) throw new WasmError(`export "${name}" is repeated`, exportsOffset(module));
    seen.add(name);
  }
}

const exportsOffset = (module: Module): number =>
  module.items.get(SectionId.export)?.start ?? module.bytes.length;

export function writeModule(module: Module, rewritten: Rewritten): Uint8Array {
  const out = new Writer(rewritten.code.length + roomForTheRest(module, rewritten));
  out.bytes([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const id of SECTION_ORDER) {
    if (id === SectionId.code) writeHints(out, module, rewritten.hints);
    if (id === SectionId.code) writeCode(out, module, rewritten);
    const content = sectionContent(id, module, rewritten);
    if (content !== undefined) writeSection(out, id, content);
  }
  for (const custom of module.customs) {
    if (custom.name !== "name" || rewritten.dropNames) continue;
    const content = new Writer();
    content.name(custom.name);
    content.bytes(bytesOf(module, custom));
    writeSection(out, SectionId.custom, content);
  }
  return out.finish();
}

/** Enough for what is not code, so that the output is not copied on its way. */
function roomForTheRest({ items, bytes, customs }: Module, { dropData, dropNames }: Rewritten): number {
  const lengthOf = ({ start, end }: Range = { start: 0, end: 0 }) => end - start;
  const code = lengthOf(items.get(SectionId.code));
  const data = dropData ? lengthOf(items.get(SectionId.data)) : 0;
  const names = dropNames ? customs.reduce((sum, custom) => sum + lengthOf(custom), 0) : 0;
  return bytes.length - code - data - names + (1 << 20);
}

/** The module's own items of a section and the added ones behind them; `undefined` if there are none. */
function sectionContent(id: number, module: Module, rewritten: Rewritten): Writer | undefined {
  switch (id) {
    case SectionId.export:
      return items([...rewritten.exports, ...rewritten.added].map(exportItem));
    case SectionId.element: {
      const elements = elementsWithout(module, rewritten.cut);
      if (elements) return elements;
      break;
    }
    case SectionId.code:
      return undefined;
    case SectionId.dataCount:
      return dataCount(module);
    case SectionId.data:
      if (rewritten.dropData) return emptyData(module);
  }
  const original = module.items.get(id);
  const added = addedItems(id, module, rewritten);
  if (original === undefined && added.length === 0) return undefined;
  const content = new Writer();
  content.u32((original?.count ?? 0) + added.length);
  if (original) content.bytes(bytesOf(module, original));
  for (const item of added) content.bytes(item);
  return content;
}

function addedItems(id: number, module: Module, { layout, counters }: Rewritten): Code[] {
  switch (id) {
    case SectionId.type:
      return layout.types.slice(module.types.length).map(functionType);
    case SectionId.function:
      return layout.functions.map(({ type }) => unsigned(type));
    case SectionId.table:
      return [[ValueType.funcref, 1, 1, 1]];
    case SectionId.memory:
      return [
        ...(counters ? [[0, ...unsigned(counters.pages)]] : []),
        ...(layout.map === undefined
          ? []
          : [[1, ...unsigned(mapPages(layout.map)), ...unsigned(mapPages(layout.map))]]),
      ];
    case SectionId.global:
      return layout.globals.map(({ initial }) => [ValueType.i32, 1, ...i32(initial), Op.end]);
    default:
      return [];
  }
}

/** Its whole content is the count. It is needed by instructions that name a segment. */
function dataCount(module: Module): Writer | undefined {
  if (!module.items.has(SectionId.dataCount)) return undefined;
  const content = new Writer();
  content.u32(module.data.length);
  return content;
}

/** Segments as they are after an instance's start: active ones empty. */
function emptyData(module: Module): Writer | undefined {
  const passive = module.data.find((segment) => segment.passive);
  if (passive) throw unsupported("passive data segments, together with dropData", passive.start);
  if (!module.items.has(SectionId.dataCount)) return undefined;
  return items(module.data.map(() => [1, 0]));
}

function writeCode(out: Writer, module: Module, { code, layout }: Rewritten): void {
  const count = new Writer(8);
  count.u32(module.bodies.length + layout.functions.length);
  const added = new Writer();
  for (const { body } of layout.functions) added.bytes(sized(body));
  writeSection(out, SectionId.code, count, code, added);
}

/** @see https://github.com/WebAssembly/branch-hinting */
function writeHints(out: Writer, module: Module, hints: readonly (readonly Hint[])[]): void {
  const content = new Writer(1 << 16);
  content.name("metadata.code.branch_hint");
  content.u32(hints.filter((list) => list.length > 0).length);
  hints.forEach((list, n) => {
    if (list.length === 0) return;
    content.u32(module.importedFunctions + n);
    content.u32(list.length);
    for (const { offset, likely } of list) {
      content.u32(offset);
      content.bytes([1, likely ? 1 : 0]);
    }
  });
  writeSection(out, SectionId.custom, content);
}

function writeSection(out: Writer, id: number, ...parts: Writer[]): void {
  out.byte(id);
  out.u32(parts.reduce((sum, part) => sum + part.length, 0));
  for (const part of parts) out.bytes(part.view(0));
}

function items(list: readonly Code[]): Writer {
  const content = new Writer();
  content.u32(list.length);
  for (const item of list) content.bytes(item);
  return content;
}

function exportItem({ name, kind, index }: Export): Code {
  const item = new Writer();
  item.name(name);
  item.byte(kind);
  item.u32(index);
  return [...item.finish()];
}

function functionType({ params, results }: FunctionType): Code {
  return [0x60, ...unsigned(params.length), ...params, ...unsigned(results.length), ...results];
}

function unsigned(value: number): Code {
  const writer = new Writer(8);
  writer.u32(value);
  return [...writer.finish()];
}

function bytesOf(module: Module, { start, end }: Range): Uint8Array {
  return module.bytes.subarray(start, end);
}

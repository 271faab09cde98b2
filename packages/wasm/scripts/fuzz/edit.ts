import { sized } from "../../src/assemble.ts";
import { Writer } from "../../src/binary.ts";
import {
  decodeModule,
  ExternKind,
  type Module,
  type Range,
  SECTION_ORDER,
  SectionId,
} from "../../src/sections.ts";

/** What to change in a module; what is not named stays as it is, custom sections apart, which go. */
export interface Edit {
  /** Sections to replace: their whole content, or `undefined` to leave them out. */
  readonly sections?: ReadonlyMap<number, Uint8Array | undefined>;
  /** Items to put behind those of a section. */
  readonly added?: ReadonlyMap<number, readonly (readonly number[])[]>;
  /** A name section. */
  readonly names?: Uint8Array;
}

/** A module with some of its sections changed. */
export function edited(module: Module, { sections, added, names }: Edit): Uint8Array {
  const out = new Writer(module.bytes.length + 1024);
  out.bytes([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const id of SECTION_ORDER) {
    const content = sections?.has(id) ? sections.get(id) : withItems(module, id, added?.get(id) ?? []);
    if (content === undefined) continue;
    out.byte(id);
    out.u32(content.length);
    out.bytes(content);
  }
  if (names) {
    const content = new Writer();
    content.name("name");
    content.bytes(names);
    out.byte(SectionId.custom);
    out.u32(content.length);
    out.bytes(content.view(0));
  }
  return out.finish();
}

function withItems(module: Module, id: number, more: readonly (readonly number[])[]): Uint8Array | undefined {
  const items = module.items.get(id);
  if (items === undefined && more.length === 0) return undefined;
  return vector((items?.count ?? 0) + more.length, items && bytesOf(module, items), more);
}

function vector(
  count: number,
  first: Uint8Array | undefined,
  more: readonly ArrayLike<number>[],
): Uint8Array {
  const content = new Writer();
  content.u32(count);
  if (first) content.bytes(first);
  for (const item of more) content.bytes(item);
  return content.finish();
}

/** The content of a section with these items. */
export const sectionOf = (items: readonly ArrayLike<number>[]): Uint8Array =>
  vector(items.length, undefined, items);

export function bytesOf(module: Module, { start, end }: Range): Uint8Array {
  return module.bytes.subarray(start, end);
}

/** The module with other bodies, without their sizes; as many as it has. */
export function withBodies(module: Module, bodies: readonly Uint8Array[]): Uint8Array {
  const code = sectionOf(bodies.map((body) => sized([...body])));
  return edited(module, { sections: new Map([[SectionId.code, code]]) });
}

/** The global that `exposed` adds for a stack pointer. */
export const STACK_POINTER = "fuzz:sp";

/** A module whose state can be seen, made so that it can neither grow nor be grown without bound. */
export interface Exposed {
  readonly wasm: Uint8Array;
  /** Exports that show state: memory, tables, globals. */
  readonly state: readonly string[];
  /** Exports that are functions. */
  readonly functions: readonly string[];
}

/** More elements than this are not added to tables. */
const TABLE_GROWTH = 1000;

/**
 * Exports memory, tables and globals, names all functions `fuzz:f0`, … and adds a global for a stack pointer that nothing
 * uses. Memory has `maximum` pages at most, tables little more than at the start.
 *
 * `undefined` if there is more at the start already.
 */
export function exposed(wasm: Uint8Array, maximum: number): Exposed | undefined {
  const module = decodeModule(wasm);
  if (module.exports.some(({ name }) => name.startsWith("fuzz:") || name.startsWith("capsule_")))
    return undefined;
  if ((module.memory?.minimum ?? 0) > maximum) return undefined;
  const limits = limitedTables(module);
  if (limits === undefined) return undefined;
  const state: string[] = [];
  const items: number[][] = [];
  const show = (kind: number, index: number, text = `fuzz:${kind}-${index}`) => {
    state.push(text);
    const item = new Writer();
    item.name(text);
    item.byte(kind);
    item.u32(index);
    items.push([...item.finish()]);
  };
  if (module.memory) show(ExternKind.memory, 0);
  for (const index of module.tables.keys()) show(ExternKind.table, index);
  for (const index of module.globals.keys()) show(ExternKind.global, index);
  const stackPointer = [0x7f, 1, 0x41, ...[0x80, 0x80, 0x04], 0x0b];
  show(ExternKind.global, module.globals.length, STACK_POINTER);
  const memory = module.memory && sectionOf([memoryLimits(module.memory.minimum, maximum)]);
  const sections = new Map<number, Uint8Array | undefined>(limits);
  if (memory) sections.set(SectionId.memory, memory);
  const added = new Map<number, number[][]>([
    [SectionId.export, items],
    [SectionId.global, [stackPointer]],
  ]);
  const functions = module.exports.filter(({ kind }) => kind === ExternKind.function).map(({ name }) => name);
  return { wasm: edited(module, { sections, added, names: functionNames(module) }), state, functions };
}

function memoryLimits(minimum: number, maximum: number): number[] {
  const item = new Writer();
  item.byte(1);
  item.u32(minimum);
  item.u32(maximum);
  return [...item.finish()];
}

/** The table section with a maximum for each. */
function limitedTables(module: Module): Map<number, Uint8Array> | undefined {
  const own = module.items.get(SectionId.table);
  if (own === undefined) return new Map();
  const items: number[][] = [];
  let at = own.start;
  for (let i = 0; i < own.count; i++) {
    const item = new Writer();
    item.byte(module.bytes[at++] as number);
    const bounded = ((module.bytes[at++] as number) & 1) !== 0;
    const [minimum, afterMinimum] = leb(module.bytes, at);
    const [maximum, afterMaximum] = bounded ? leb(module.bytes, afterMinimum) : [Infinity, afterMinimum];
    at = afterMaximum;
    if (minimum > 100_000) return undefined;
    item.byte(1);
    item.u32(minimum);
    item.u32(Math.min(maximum, minimum + TABLE_GROWTH));
    items.push([...item.finish()]);
  }
  return new Map([[SectionId.table, sectionOf(items)]]);
}

/** An unsigned LEB128 and where it ends. */
export function leb(bytes: Uint8Array, start: number): [value: number, end: number] {
  let value = 0;
  let at = start;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
  }
}

/** The part of a name section that calls each function `f` and its index. */
function functionNames(module: Module): Uint8Array {
  const map = new Writer();
  map.u32(module.functions.length);
  for (const index of module.functions.keys()) {
    map.u32(index);
    map.name(`fuzz:f${index}`);
  }
  const part = new Writer();
  part.byte(1);
  part.u32(map.length);
  part.bytes(map.view(0));
  return part.finish();
}

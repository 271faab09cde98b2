import { Reader } from "./binary.ts";
import { unsupported, WasmError } from "./errors.ts";
import { Op, ValueType } from "./opcodes.ts";

/** Section ids. @see https://webassembly.github.io/spec/core/binary/modules.html#sections */
export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order in which sections stand in a module. */
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** What an import or export is. The values are those of the binary format. */
export const ExternKind = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface GlobalType {
  readonly type: number;
  readonly mutable: boolean;
}

export interface Export {
  readonly name: string;
  readonly kind: number;
  readonly index: number;
}

/** A range of bytes of the module. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface DataSegment extends Range {
  readonly passive: boolean;
  /** Bytes of content. */
  readonly size: number;
}

/** A module as the rewriter sees it: what it must know, and where the rest lies in `bytes`. */
export interface Module {
  readonly bytes: Uint8Array;
  /** The items of each vector section, without the count in front of them. */
  readonly items: Map<number, Range & { readonly count: number }>;
  readonly customs: readonly (Range & { readonly name: string })[];
  readonly types: FunctionType[];
  readonly importedFunctions: number;
  /** The type index of every function, imported ones first. */
  readonly functions: readonly number[];
  /** Element types. */
  readonly tables: readonly number[];
  readonly memory: { readonly minimum: number } | undefined;
  readonly globals: readonly GlobalType[];
  readonly tags: number;
  readonly exports: readonly Export[];
  /** Functions that an element segment, `ref.func` in an initializer, … may put into a table. */
  readonly referenced: ReadonlySet<number>;
  /** The length of each element segment. */
  readonly elements: readonly number[];
  readonly data: readonly DataSegment[];
  readonly bodies: readonly Range[];
}

/** Decodes a module's sections; fails with a `WasmError` on anything malformed or unsupported. */
export function decodeModule(bytes: Uint8Array): Module {
  return new ModuleDecoder(bytes).decode();
}

class ModuleDecoder {
  private readonly bytes: Uint8Array;
  private readonly items: Map<number, Range & { count: number }> = new Map();
  private readonly customs: (Range & { name: string })[] = [];
  private readonly types: FunctionType[] = [];
  private readonly functions: number[] = [];
  private readonly tables: number[] = [];
  private readonly globals: GlobalType[] = [];
  private readonly exports: Export[] = [];
  private readonly exportNames = new Set<string>();
  private readonly referenced = new Set<number>();
  private readonly data: DataSegment[] = [];
  private readonly bodies: Range[] = [];
  private importedFunctions = 0;
  private memory: { minimum: number } | undefined;
  private tags = 0;
  private readonly elements: number[] = [];
  private dataCount: number | undefined;

  constructor(bytes: Uint8Array) {
    // A Node Buffer is slower to slice.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  decode(): Module {
    const reader = new Reader(this.bytes);
    readHeader(reader);
    let position = -1;
    while (!reader.done) {
      const offset = reader.position;
      const id = reader.byte();
      const body = reader.slice(reader.u32());
      if (id === SectionId.custom) {
        this.customs.push({ name: body.name(), start: body.position, end: body.end });
        continue;
      }
      const order = SECTION_ORDER.indexOf(id);
      if (order < 0) throw new WasmError(`unknown section ${id}`, offset);
      if (order <= position) throw new WasmError(`section ${id} is out of order or repeated`, offset);
      position = order;
      this.section(id, body);
      body.expectDone(`section ${id}`);
    }
    this.checkCounts(reader.end);
    return { ...this.fields(), bytes: this.bytes };
  }

  private fields(): Omit<Module, "bytes"> {
    const { items, customs, types, importedFunctions, functions, tables, memory, globals, tags } = this;
    const { exports, referenced, elements, data, bodies } = this;
    return {
      ...{ items, customs, types, importedFunctions, functions, tables, memory, globals, tags },
      ...{ exports, referenced, elements, data, bodies },
    };
  }

  private checkCounts(end: number): void {
    if (this.bodies.length !== this.functions.length - this.importedFunctions) {
      throw new WasmError("function and code section differ in length", end);
    }
    if (this.dataCount !== undefined && this.dataCount !== this.data.length) {
      throw new WasmError("data count and data section differ in length", end);
    }
  }

  private section(id: number, body: Reader): void {
    if (id === SectionId.start) throw unsupported("start function", body.position);
    const count = id === SectionId.dataCount ? body.u32() : body.count(`section ${id}`);
    this.items.set(id, { start: body.position, end: body.end, count });
    if (id === SectionId.dataCount) {
      this.dataCount = count;
      return;
    }
    const item = this.itemDecoder(id);
    for (let i = 0; i < count; i++) item(body);
  }

  private itemDecoder(id: number): (body: Reader) => void {
    switch (id) {
      case SectionId.type:
        return (body) => this.types.push(readFunctionType(body));
      case SectionId.import:
        return (body) => this.import(body);
      case SectionId.function:
        return (body) => this.functions.push(this.typeIndex(body));
      case SectionId.table:
        return (body) => this.table(body);
      case SectionId.memory:
        return (body) => this.defineMemory(body);
      case SectionId.tag:
        return (body) => this.tag(body);
      case SectionId.global:
        return (body) => this.global(body);
      case SectionId.export:
        return (body) => this.export(body);
      case SectionId.element:
        return (body) => this.elementSegment(body);
      case SectionId.code:
        return (body) => this.body(body);
      default:
        return (body) => this.dataSegment(body);
    }
  }

  private import(body: Reader): void {
    body.name();
    body.name();
    const offset = body.position;
    switch (body.byte()) {
      case ExternKind.function:
        this.functions.push(this.typeIndex(body));
        this.importedFunctions++;
        return;
      case ExternKind.table:
        this.table(body);
        return;
      case ExternKind.memory:
        throw unsupported("imported memory", offset);
      case ExternKind.global:
        this.globals.push(readGlobalType(body));
        return;
      case ExternKind.tag:
        this.tag(body);
        return;
      default:
        throw new WasmError("unknown kind of import", offset);
    }
  }

  private typeIndex(body: Reader): number {
    return index(body, this.types.length, "type");
  }

  private table(body: Reader): void {
    if (body.peek() === 0x40) throw unsupported("table with an initializer", body.position);
    this.tables.push(readReferenceType(body));
    readLimits(body, "table");
  }

  private defineMemory(body: Reader): void {
    if (this.memory !== undefined) throw unsupported("multiple memories", body.position);
    const offset = body.position;
    const minimum = readLimits(body, "memory");
    if (minimum > 65536) throw new WasmError("memory is larger than 4 GiB", offset);
    this.memory = { minimum };
  }

  private tag(body: Reader): void {
    if (body.byte() !== 0) body.fail("unknown tag attribute", body.position - 1);
    this.typeIndex(body);
    this.tags++;
  }

  private global(body: Reader): void {
    const type = readGlobalType(body);
    this.constant(body);
    this.globals.push(type);
  }

  private export(body: Reader): void {
    const offset = body.position;
    const name = body.name();
    if (this.exportNames.has(name)) throw new WasmError(`export "${name}" is repeated`, offset);
    this.exportNames.add(name);
    const kind = body.byte();
    const limits = [
      this.functions.length,
      this.tables.length,
      this.memory === undefined ? 0 : 1,
      this.globals.length,
      this.tags,
    ];
    const limit = limits[kind];
    if (limit === undefined) throw new WasmError("unknown kind of export", body.position - 1);
    this.exports.push({ name, kind, index: index(body, limit, "exported item") });
  }

  private functionReference(body: Reader): void {
    this.referenced.add(index(body, this.functions.length, "function"));
  }

  /** A constant expression with its `end`. Global indices may be those of globals before it. */
  private constant(body: Reader): void {
    for (;;) {
      const offset = body.position;
      const opcode = body.byte();
      if (opcode === Op.end) return;
      if (opcode === Op.i32Const) body.skipSigned(32);
      else if (opcode === Op.i64Const) body.skipSigned(64);
      else if (opcode === Op.f32Const) body.skip(4);
      else if (opcode === Op.f64Const) body.skip(8);
      else if (opcode === Op.simd) this.vectorConstant(body);
      else if (opcode === Op.globalGet) index(body, this.globals.length, "global");
      else if (opcode === Op.refNull) readHeapType(body);
      else if (opcode === Op.refFunc) this.functionReference(body);
      else if (!EXTENDED_CONST.has(opcode)) {
        throw unsupported(`instruction 0x${opcode.toString(16)} in a constant expression`, offset);
      }
    }
  }

  private vectorConstant(body: Reader): void {
    const offset = body.position;
    if (body.u32() !== V128_CONST) throw unsupported("SIMD instruction in a constant expression", offset);
    body.skip(16);
  }

  private elementSegment(body: Reader): void {
    const offset = body.position;
    const flags = body.u32();
    if (flags > 7) throw new WasmError("unknown kind of element segment", offset);
    const passiveOrDeclarative = (flags & 1) !== 0;
    const explicit = (flags & 2) !== 0;
    const expressions = (flags & 4) !== 0;
    if (!passiveOrDeclarative) {
      const table = explicit ? body.u32() : 0;
      if (table >= this.tables.length) throw new WasmError(`no table ${table}`, offset);
      this.constant(body);
    }
    if (passiveOrDeclarative || explicit) {
      if (expressions) readReferenceType(body);
      else if (body.byte() !== 0) body.fail("unknown kind of element", body.position - 1);
    }
    const count = body.count("element segment");
    for (let i = 0; i < count; i++) {
      if (expressions) this.constant(body);
      else this.functionReference(body);
    }
    this.elements.push(count);
  }

  private body(body: Reader): void {
    const size = body.u32();
    const start = body.position;
    body.skip(size);
    this.bodies.push({ start, end: body.position });
  }

  private dataSegment(body: Reader): void {
    const start = body.position;
    const flags = body.u32();
    if (flags > 2) throw new WasmError("unknown kind of data segment", start);
    if (flags === 2 && body.u32() !== 0) throw unsupported("multiple memories", start);
    if (flags !== 1) {
      if (this.memory === undefined) throw new WasmError("data segment without a memory", start);
      this.constant(body);
    }
    const size = body.u32();
    body.skip(size);
    this.data.push({ start, end: body.position, passive: flags === 1, size });
  }
}

/** The number of `v128.const` among the SIMD instructions. */
const V128_CONST = 12;

/** i32 and i64 add, sub and mul. */
const EXTENDED_CONST: ReadonlySet<number> = new Set([0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e]);

function readHeader(reader: Reader): void {
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (magic.some((byte) => reader.byte() !== byte)) throw new WasmError("not a WebAssembly module", 0);
  const version = [reader.byte(), reader.byte(), reader.byte(), reader.byte()];
  if (version[2] === 1) throw unsupported("component", 4);
  if (version.join() !== "1,0,0,0") throw new WasmError("unknown version of WebAssembly", 4);
}

function readFunctionType(body: Reader): FunctionType {
  const offset = body.position;
  const form = body.byte();
  if (form === 0x5e || form === 0x5f || form === 0x4e || form === 0x4f || form === 0x50) {
    throw unsupported("garbage collection (type)", offset);
  }
  if (form !== 0x60) throw new WasmError("unknown form of type", offset);
  return { params: readTypes(body), results: readTypes(body) };
}

function readTypes(body: Reader): number[] {
  const count = body.count("types");
  return Array.from({ length: count }, () => readValueType(body));
}

/** A value type of the supported set. */
export function readValueType(body: Reader): number {
  const offset = body.position;
  const type = body.byte();
  if (VALUE_TYPES.has(type)) return type;
  if (type >= 0x63 && type <= 0x74) throw unsupported(`reference type 0x${type.toString(16)}`, offset);
  throw new WasmError(`unknown value type 0x${type.toString(16)}`, offset);
}

const VALUE_TYPES: ReadonlySet<number> = new Set<number>(Object.values(ValueType));

function readReferenceType(body: Reader): number {
  const offset = body.position;
  const type = readValueType(body);
  if (type >= ValueType.v128) throw new WasmError("not a reference type", offset);
  return type;
}

/** The type a `ref.null` is of. */
export function readHeapType(body: Reader): void {
  readReferenceType(body);
}

function readGlobalType(body: Reader): GlobalType {
  const type = readValueType(body);
  const offset = body.position;
  const flags = body.byte();
  if (flags === 1 && type === ValueType.v128) throw unsupported("mutable global of type v128", offset);
  if (flags === 2 || flags === 3) throw unsupported("threads (shared global)", offset);
  if (flags > 1) throw new WasmError("unknown mutability", offset);
  return { type, mutable: flags === 1 };
}

function readLimits(body: Reader, what: "table" | "memory"): number {
  const offset = body.position;
  const flags = body.byte();
  if (flags > 15) throw new WasmError("unknown limits", offset);
  if (flags & 2) throw unsupported(`threads (shared ${what})`, offset);
  if (flags & 4) throw unsupported(`64-bit ${what}`, offset);
  if (flags & 8) throw unsupported("custom page sizes", offset);
  const minimum = body.u32();
  if (flags & 1 && body.u32() < minimum) throw new WasmError("maximum below minimum", offset);
  return minimum;
}

/** An index below `limit`. Indices beyond the module's own would reach what the rewriter adds. */
export function index(body: Reader, limit: number, what: string): number {
  const offset = body.position;
  const value = body.u32();
  if (value >= limit) throw new WasmError(`no ${what} ${value}`, offset);
  return value;
}

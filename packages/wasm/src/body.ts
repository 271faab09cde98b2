import { Reader } from "./binary.ts";
import { unsupported, WasmError } from "./errors.ts";
import { type Instruction, InstructionPool } from "./instruction.ts";
import { immediateOf, Op, Prefixed, RELAXED_SIMD, simdImmediateOf, VOID_BLOCK } from "./opcodes.ts";
import { index, type Module, type Range, readHeapType, readValueType } from "./sections.ts";

/** A decoded function body. */
export interface Body {
  /** Index among all functions. */
  readonly functionIndex: number;
  readonly instructions: readonly Instruction[];
  /** The body seen as a block: the target of branches out of the function. */
  readonly root: Instruction;
  /** The declarations of locals in front of the instructions. */
  readonly locals: Range & { readonly groups: number };
  /** Parameters and locals. */
  readonly localCount: number;
}

/** More back edges of a loop than are told apart. */
const MANY = 1_000_000;

/** V8 allows 50,000 locals; some are left for what is inserted. */
const MAX_LOCALS = 49_990;

/**
 * Decodes the body of the `n`th function that the module defines. With a `pool` it is valid until the next
 * one is decoded.
 */
export function decodeBody(module: Module, n: number, pool: InstructionPool = new InstructionPool()): Body {
  pool.clear();
  const range = module.bodies[n] as Range;
  const reader = new Reader(module.bytes, range.start, range.end);
  const functionIndex = module.importedFunctions + n;
  const type = module.types[module.functions[functionIndex] as number];
  const params = type?.params.length ?? 0;
  const { locals, declared } = readLocals(reader, params);
  const decoder = new BodyDecoder(module, reader, pool, params + declared, type?.results.length === 0);
  const { root, instructions } = decoder.decode();
  return { functionIndex, instructions, root, locals, localCount: params + declared };
}

function readLocals(reader: Reader, params: number): { locals: Body["locals"]; declared: number } {
  const groups = reader.count("locals", 2);
  const start = reader.position;
  let declared = 0;
  for (let i = 0; i < groups; i++) {
    declared += reader.u32();
    readValueType(reader);
    if (params + declared > MAX_LOCALS) reader.fail(`more than ${MAX_LOCALS} locals`, start);
  }
  return { locals: { groups, start, end: reader.position }, declared };
}

class BodyDecoder {
  private readonly module: Module;
  private readonly reader: Reader;
  private readonly pool: InstructionPool;
  private readonly localCount: number;
  private readonly root: Instruction;
  /** The blocks around the current instruction, the function itself first. */
  private readonly open: Instruction[];

  constructor(
    module: Module,
    reader: Reader,
    pool: InstructionPool,
    localCount: number,
    resultless: boolean,
  ) {
    this.module = module;
    this.reader = reader;
    this.pool = pool;
    this.localCount = localCount;
    this.root = pool.take(Op.block, reader.position);
    this.root.labelIsVoid = resultless;
    this.open = [this.root];
  }

  decode(): { root: Instruction; instructions: Instruction[] } {
    const reader = this.reader;
    while (this.open.length > 0) {
      const start = reader.position;
      const instruction = this.pool.take(reader.byte(), start);
      this.instruction(instruction);
      instruction.end = reader.position;
    }
    reader.expectDone("function body");
    return { root: this.root, instructions: this.pool.taken(1) };
  }

  private instruction(instruction: Instruction): void {
    const { module, reader } = this;
    switch (immediateOf(instruction.opcode, instruction.start, reader)) {
      case "none":
        this.structure(instruction);
        return;
      case "block":
        this.block(instruction);
        return;
      case "tryTable":
        this.tryTable(instruction);
        return;
      case "label":
        this.branch(instruction);
        return;
      case "labelTable":
        this.branchTable(instruction);
        return;
      case "function":
        instruction.immediate = index(reader, module.functions.length, "function");
        return;
      case "indirect":
        instruction.immediate = index(reader, module.types.length, "type");
        index(reader, module.tables.length, "table");
        return;
      case "tag":
        index(reader, module.tags, "tag");
        this.structure(instruction);
        return;
      case "local":
        instruction.immediate = index(reader, this.localCount, "local");
        return;
      case "global":
        instruction.immediate = index(reader, module.globals.length, "global");
        return;
      case "table":
        index(reader, module.tables.length, "table");
        return;
      case "memory":
        this.memoryIndex();
        return;
      case "memoryArgument":
        this.memoryArgument();
        return;
      case "i32":
        reader.skipSigned(32);
        return;
      case "i64":
        reader.skipSigned(64);
        return;
      case "f32":
        reader.skip(4);
        return;
      case "f64":
        reader.skip(8);
        return;
      case "types":
        this.selectTypes();
        return;
      case "heapType":
        readHeapType(reader);
        return;
      case "prefixed":
        this.prefixed(instruction);
        return;
      case "simd":
        this.simd(instruction);
        return;
    }
  }

  private get innermost(): Instruction {
    return this.open[this.open.length - 1] ?? this.root;
  }

  /** The block whose label is `depth` blocks out. */
  private label(depth: number): Instruction {
    const target = this.open[this.open.length - 1 - depth];
    if (target === undefined) this.reader.fail(`no label ${depth}`);
    return target;
  }

  private structure(instruction: Instruction): void {
    switch (instruction.opcode) {
      case Op.else: {
        const opener = this.innermost;
        if (opener.opcode !== Op.if || opener.otherwise)
          this.reader.fail("else without if", instruction.start);
        opener.otherwise = instruction;
        instruction.opener = opener;
        return;
      }
      case Op.catch:
      case Op.catchAll:
        if (this.innermost.opcode !== Op.try) this.reader.fail("catch without try", instruction.start);
        instruction.opener = this.innermost;
        return;
      case Op.end:
        this.close(instruction);
        return;
      case Op.return:
        instruction.immediate = this.open.length - 1;
        instruction.target = this.root;
        return;
    }
  }

  private close(instruction: Instruction): void {
    const opener = this.open.pop() ?? this.root;
    instruction.opener = opener;
    opener.closer = instruction;
  }

  private block(instruction: Instruction): void {
    instruction.labelIsVoid = this.blockType();
    this.open.push(instruction);
  }

  /** Whether the type is that of a block without parameters and results. */
  private blockType(): boolean {
    const { reader, module } = this;
    const first = reader.peek();
    if (first === VOID_BLOCK) {
      reader.position++;
      return true;
    }
    // A type index is a positive 33-bit integer; value types are negative ones of a single byte.
    if (first >= 0x40 && first < 0x80) readValueType(reader);
    else index(reader, module.types.length, "type");
    return false;
  }

  private branch(instruction: Instruction): void {
    const { reader } = this;
    const { opcode } = instruction;
    if (opcode === Op.delegate) {
      if (this.innermost.opcode !== Op.try) reader.fail("delegate without try", instruction.start);
      this.close(instruction);
    }
    const depth = reader.u32();
    const target = this.label(depth);
    instruction.immediate = depth;
    if (opcode !== Op.br && opcode !== Op.brIf) return;
    instruction.target = target;
    target.backEdges = target.labelIsVoid ? target.backEdges + 1 : MANY;
  }

  private branchTable(instruction: Instruction): void {
    const count = this.reader.count("br_table") + 1;
    const targets: Instruction[] = [];
    for (let i = 0; i < count; i++) targets.push(this.label(this.reader.u32()));
    this.setTargets(instruction, targets);
  }

  private tryTable(instruction: Instruction): void {
    const { reader, module } = this;
    instruction.labelIsVoid = this.blockType();
    const count = reader.count("try_table", 2);
    const targets: Instruction[] = [];
    for (let i = 0; i < count; i++) {
      const kind = reader.byte();
      if (kind > 3) reader.fail("unknown kind of catch", reader.position - 1);
      if (kind < 2) index(reader, module.tags, "tag");
      targets.push(this.label(reader.u32()));
    }
    this.setTargets(instruction, targets);
    this.open.push(instruction);
  }

  private setTargets(instruction: Instruction, targets: readonly Instruction[]): void {
    instruction.targets = [...new Set(targets)];
    for (const target of instruction.targets) target.backEdges = MANY;
  }

  private memoryIndex(): void {
    const { reader, module } = this;
    const offset = reader.position;
    if (reader.u32() !== 0) throw new WasmError("unsupported WebAssembly feature: multiple memories", offset);
    if (module.memory === undefined) throw new WasmError("no memory", offset);
  }

  private memoryArgument(): void {
    const { reader, module } = this;
    const offset = reader.position;
    if (reader.u32() >= 32) throw new WasmError("unsupported WebAssembly feature: multiple memories", offset);
    reader.u32();
    if (module.memory === undefined) throw new WasmError("no memory", offset);
  }

  private selectTypes(): void {
    const count = this.reader.count("select");
    for (let i = 0; i < count; i++) readValueType(this.reader);
  }

  private simd(instruction: Instruction): void {
    const { reader } = this;
    const kind = reader.u32();
    instruction.immediate = kind;
    if (kind >= RELAXED_SIMD) throw unsupported("relaxed SIMD", instruction.start);
    switch (simdImmediateOf(kind)) {
      case "memoryArgument":
        this.memoryArgument();
        return;
      case "bytes":
        reader.skip(16);
        return;
      case "lane":
        reader.skip(1);
        return;
      case "memoryArgumentAndLane":
        this.memoryArgument();
        reader.skip(1);
        return;
    }
  }

  private prefixed(instruction: Instruction): void {
    const { reader, module } = this;
    const kind = reader.u32();
    instruction.immediate = kind;
    switch (kind) {
      case Prefixed.memoryInit:
        index(reader, module.data.length, "data segment");
        this.memoryIndex();
        return;
      case Prefixed.dataDrop:
        index(reader, module.data.length, "data segment");
        return;
      case Prefixed.memoryCopy:
        this.memoryIndex();
        this.memoryIndex();
        return;
      case Prefixed.memoryFill:
        this.memoryIndex();
        return;
      case Prefixed.tableInit:
        index(reader, module.elements.length, "element segment");
        index(reader, module.tables.length, "table");
        return;
      case Prefixed.elemDrop:
        index(reader, module.elements.length, "element segment");
        return;
      case Prefixed.tableCopy:
        index(reader, module.tables.length, "table");
        index(reader, module.tables.length, "table");
        return;
      case Prefixed.tableGrow:
      case Prefixed.tableSize:
      case Prefixed.tableFill:
        index(reader, module.tables.length, "table");
        return;
    }
    if (kind > 7) reader.fail(`unknown instruction 0xfc ${kind}`, instruction.start);
  }
}

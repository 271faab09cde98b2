import { Reader } from "./binary.ts";
import { WasmError } from "./errors.ts";
import { costOf, immediateOf, Op, Prefixed, VOID_BLOCK } from "./opcodes.ts";
import { index, type Module, type Range, readHeapType, readValueType } from "./sections.ts";

/** How the checks of a loop are done; decided in checks.ts. */
export type LoopChecks = "none" | "backEdges" | "header" | "dispatch";

/**
 * One instruction of a function body, linked to those it belongs with.
 *
 * The second half is the plan: where the passes checks.ts and potentials.ts note what to insert.
 */
export class Instruction {
  readonly opcode: number;
  /** Offset of the opcode in the module. */
  readonly start: number;
  /** Offset just behind the instruction. */
  end = 0;
  /** Label depth, index of a function or of an indirect call's type, or the number behind the prefix 0xfc. */
  immediate = 0;
  /** Of `end`, `delegate`, `else`, `catch`: the start of the block it belongs to. */
  opener: Instruction | undefined = undefined;
  /** Of the start of a block: its `end` or `delegate`. */
  closer: Instruction | undefined = undefined;
  /** Of an `if`: its `else`. */
  otherwise: Instruction | undefined = undefined;
  /** Of `br`, `br_if`: the start of the block whose label is the target. */
  target: Instruction | undefined = undefined;
  /** Of `br_table`, `try_table`: the same for each label. */
  targets: readonly Instruction[] = [];
  /** Of the start of a block: a branch to its label certainly carries no values. */
  labelIsVoid = false;
  /** Of a `loop`: how many `br` and `br_if` go back to it; infinite if others do, or with values. */
  backEdges = 0;

  /** A check comes just after the instruction (and after what is charged there). */
  check = false;
  /** What is charged just after the instruction. */
  charge = 0;
  /** Of a `br_if`, what is charged if it is taken; of an `if` without `else`, if it is not. */
  edgeCharge = 0;
  /** The potential just behind the instruction is `level`, whatever follows. */
  cut = false;
  level = 0;
  loopChecks: LoopChecks = "none";
  /** Of a `loop` checked at its back edges: what one more round costs. */
  roundCharge = 0;
  /** Of a `loop` with dispatch: cost of the straight code from here to the `br_table`. */
  dispatchCost = 0;

  /** Of an `end` or `else`: potential, and longest paths (see checks.ts), just behind it. */
  potential = 0;
  toCheck = 0;
  toExit = 0;

  constructor(opcode: number, start: number) {
    this.opcode = opcode;
    this.start = start;
  }
}

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

/** V8 allows 50,000 locals; some are left for what is inserted. */
const MAX_LOCALS = 49_990;

/** Decodes the body of the `n`th function that the module defines. */
export function decodeBody(module: Module, n: number): Body {
  const range = module.bodies[n] as Range;
  const reader = new Reader(module.bytes, range.start, range.end);
  const functionIndex = module.importedFunctions + n;
  const type = module.types[module.functions[functionIndex] as number];
  const params = type?.params.length ?? 0;
  const { locals, declared } = readLocals(reader, params);
  const decoder = new BodyDecoder(module, reader, params + declared, type?.results.length === 0);
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
  private readonly localCount: number;
  private readonly root: Instruction;
  private readonly instructions: Instruction[] = [];
  /** The blocks around the current instruction, the function itself first. */
  private readonly open: Instruction[];

  constructor(module: Module, reader: Reader, localCount: number, resultless: boolean) {
    this.module = module;
    this.reader = reader;
    this.localCount = localCount;
    this.root = new Instruction(Op.block, reader.position);
    this.root.labelIsVoid = resultless;
    this.open = [this.root];
  }

  decode(): { root: Instruction; instructions: Instruction[] } {
    const reader = this.reader;
    while (this.open.length > 0) {
      const start = reader.position;
      const instruction = new Instruction(reader.byte(), start);
      this.instruction(instruction);
      instruction.end = reader.position;
      this.instructions.push(instruction);
    }
    reader.expectDone("function body");
    return { root: this.root, instructions: this.instructions };
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
        index(reader, this.localCount, "local");
        return;
      case "global":
        index(reader, module.globals.length, "global");
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
    if (target.opcode === Op.loop) target.backEdges += target.labelIsVoid ? 1 : Number.POSITIVE_INFINITY;
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
    for (const target of instruction.targets) target.backEdges = Number.POSITIVE_INFINITY;
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

/** What an instruction costs by itself. */
export function cost(instruction: Instruction): number {
  return costOf(instruction.opcode);
}

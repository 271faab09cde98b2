import { Reader } from "./binary.ts";
import type { Body } from "./body.ts";
import { unsupported, WasmError } from "./errors.ts";
import type { Instruction } from "./instruction.ts";
import { arityOf } from "./mark-arity.ts";
import { Blocks, ROUNDS } from "./mark-blocks.ts";
import type { Demands } from "./mark-demands.ts";
import { CONSTANT, type Definition, LocalValues } from "./mark-values.ts";
import { Op, VOID_BLOCK } from "./opcodes.ts";
import type { BranchHabit } from "./profile.ts";
import { type Module, SectionId } from "./sections.ts";

/** A store that must be marked, or one of several by the same address: one mark does for all that lie near. */
export interface Need {
  /** The root of the address, and the distances from it of the first bytes that may be written, from and to. */
  readonly root: number;
  readonly low: number;
  readonly high: number;
  /** The local that holds the address, apart from a distance; none if it is a constant. */
  readonly definition: Definition | undefined;
  /** Where at the latest the mark must be: before an instruction, or behind it. */
  readonly block: number;
  readonly at: number;
  readonly behind: boolean;
}

/** An address that is only on the stack: it is marked when it has been computed. */
export interface Passing {
  /** The instruction that leaves it on top of the stack. */
  readonly at: number;
  /** Distances of the first bytes that may be written, from and to. */
  readonly low: number;
  readonly high: number;
}

/** The stores of a function. */
export interface Needs {
  readonly blocks: Blocks;
  readonly needs: readonly Need[];
  readonly passing: readonly Passing[];
  /** Stores and calls, by instruction, whose addresses cannot be got at before the other operands are computed. */
  readonly buried: readonly number[];
  /** Everything that sets a local. */
  readonly sets: readonly Definition[];
  /** What a local holds when the function is entered. */
  entry(local: number): Definition;
  /** By index. */
  readonly definitions: readonly Definition[];
  readonly params: number;
  /** All stores that can be reached. */
  readonly stores: number;
}

/** A value on the operand stack, as far as it matters to addresses. */
interface Value {
  readonly kind: "local" | "constant" | "computed" | "unknown";
  /** Of "local": what the local was when it was read. */
  readonly definition: Definition | undefined;
  /** What was added since; or the constant. */
  readonly offset: number;
  /** The instruction that read the local or computed the value, and its block. */
  readonly at: number;
  readonly block: number;
}

const UNKNOWN: Value = { kind: "unknown", definition: undefined, offset: 0, at: 0, block: 0 };

/** A block of the body that is open. */
interface Frame {
  readonly opener: Instruction;
  readonly height: number;
  readonly params: readonly Value[];
  readonly results: number;
  /** Whether its start can be reached. */
  readonly alive: boolean;
  /** Of `if` and `try`: the basic block that ends with it, and how often an `else` is taken. */
  readonly before: number;
  readonly otherwise: number;
  /** Where branches to the label come from: the common dominator, and how often. */
  dominator: number;
  weight: number;
  readonly from: number[];
  /** Exceptions may come there, too. */
  catches: boolean;
}

const [I32_ADD, I32_SUB] = [0x6a, 0x6b];

/** Handlers are taken to be rare. */
const EXCEPTION = 0.001;

/** Follows the addresses of stores to where they come from. */
export function findNeeds(
  module: Module,
  body: Body,
  habits: ReadonlyMap<number, BranchHabit>,
  demands: Demands,
): Needs {
  return new NeedFinder(module, body, habits, demands).run();
}

class NeedFinder implements Needs {
  readonly blocks = new Blocks();
  readonly needs: Need[] = [];
  readonly passing: Passing[] = [];
  readonly buried: number[] = [];
  readonly sets: Definition[] = [];
  readonly params: number;
  stores = 0;
  private readonly module: Module;
  private readonly body: Body;
  private readonly habits: ReadonlyMap<number, BranchHabit>;
  private readonly demands: Demands;
  private readonly values: LocalValues;
  private readonly closers: Map<Instruction, number>;
  private readonly frames: Frame[] = [];
  private stack: Value[] = [];
  /** The current basic block; undefined where nothing is reached. */
  private current: number | undefined;

  constructor(module: Module, body: Body, habits: ReadonlyMap<number, BranchHabit>, demands: Demands) {
    this.demands = demands;
    this.module = module;
    this.body = body;
    this.habits = habits;
    this.values = new LocalValues(body, this.blocks);
    this.closers = loopEnds(body);
    this.params = this.typeAt(module.functions[body.functionIndex] ?? -1).params.length;
  }

  get definitions(): readonly Definition[] {
    return this.values.definitions;
  }

  entry(local: number): Definition {
    return this.values.entry(local);
  }

  run(): Needs {
    const { body, module } = this;
    const results = module.types[module.functions[body.functionIndex] ?? -1]?.results.length ?? 0;
    this.current = this.blocks.begin(0, 0, 1);
    this.open(body.root, 0, results);
    body.instructions.forEach((instruction, i) => {
      this.step(instruction, i);
    });
    return this;
  }

  private step(instruction: Instruction, i: number): void {
    switch (instruction.opcode) {
      case Op.block:
      case Op.loop:
      case Op.if:
      case Op.try:
      case Op.tryTable:
        this.enter(instruction, i);
        return;
      case Op.else:
        this.otherwise(i);
        return;
      case Op.catch:
      case Op.catchAll:
        this.handle(instruction, i);
        return;
      case Op.end:
      case Op.delegate:
        this.close(instruction, i);
        return;
    }
    if (this.current !== undefined) this.live(instruction, i, this.current);
  }

  private live(instruction: Instruction, i: number, block: number): void {
    const { opcode, immediate } = instruction;
    switch (opcode) {
      case Op.br:
        this.branch(this.frameAt(immediate, instruction), 1);
        this.die(i);
        return;
      case Op.brIf:
        this.branchIf(instruction, i, block);
        return;
      case Op.brTable:
        this.pop(instruction);
        for (const target of instruction.targets)
          this.branch(this.frameOf(target, instruction), 1 / instruction.targets.length);
        this.die(i);
        return;
      case Op.unreachable:
      case Op.return:
      case Op.throw:
      case Op.rethrow:
      case Op.throwRef:
      case Op.returnCallIndirect:
        this.die(i);
        return;
      case Op.returnCall:
        this.meet(instruction, i, block);
        this.die(i);
        return;
      case Op.call:
        this.meet(instruction, i, block);
        this.call(instruction, i, this.module.functions[immediate] ?? -1);
        return;
      case Op.callIndirect:
        this.pop(instruction);
        this.call(instruction, i, immediate);
        return;
      case Op.localGet:
        this.pushLocal(this.values.valueOf(immediate, block), i, block);
        return;
      case Op.localSet:
        this.setLocal(instruction, i, block);
        return;
      case Op.localTee:
        this.pushLocal(this.setLocal(instruction, i, block), i, block);
        return;
      case Op.i32Const:
        this.push("constant", i, undefined, this.readConstant(instruction));
        return;
      case I32_ADD:
      case I32_SUB:
        this.add(instruction, i);
        return;
    }
    if (storeSize(instruction) > 0) this.store(instruction, i, block);
    else this.plain(instruction, i);
  }

  private plain(instruction: Instruction, i: number): void {
    const { takes, gives } = arityOf(instruction);
    for (let n = 0; n < takes; n++) this.pop(instruction);
    this.give(gives, i);
  }

  private call(instruction: Instruction, i: number, type: number): void {
    const { params, results } = this.typeAt(type);
    for (let n = params.length; n > 0; n--) this.pop(instruction);
    this.give(results.length, i);
  }

  /** Only the topmost result can be taken where it is made. */
  private give(count: number, i: number): void {
    for (let n = 1; n < count; n++) this.stack.push(UNKNOWN);
    if (count > 0) this.push("computed", i);
  }

  private push(kind: Value["kind"], at: number, definition?: Definition, offset = 0): void {
    this.stack.push({ kind, definition, offset, at, block: this.current ?? 0 });
  }

  private pushLocal(definition: Definition, i: number, block: number): void {
    if (definition.root === CONSTANT) this.push("constant", i, undefined, definition.offset);
    else this.stack.push({ kind: "local", definition, offset: 0, at: i, block });
  }

  private pop({ start }: Instruction): Value {
    const floor = this.frames[this.frames.length - 1]?.height ?? 0;
    if (this.stack.length <= floor) throw new WasmError("not enough operands", start);
    return this.stack.pop() as Value;
  }

  private readConstant({ start, end }: Instruction): number {
    return new Reader(this.module.bytes, start + 1, end).s32();
  }

  private setLocal(instruction: Instruction, i: number, block: number): Definition {
    const definition = this.define(instruction, i, block);
    this.sets.push(definition);
    return definition;
  }

  private define(instruction: Instruction, i: number, block: number): Definition {
    const { kind, definition, offset, block: from } = this.pop(instruction);
    const local = instruction.immediate;
    if (kind === "constant")
      return this.values.set(local, block, i, { root: CONSTANT, offset, source: undefined });
    if (definition === undefined) return this.values.set(local, block, i, undefined);
    return this.values.set(local, block, i, {
      root: definition.root,
      offset: (definition.offset + offset) | 0,
      source: from === block ? definition : undefined,
    });
  }

  private add(instruction: Instruction, i: number): void {
    let right = this.pop(instruction);
    let left = this.pop(instruction);
    const minus = instruction.opcode === I32_SUB;
    if (!minus && left.kind === "constant") [left, right] = [right, left];
    if (right.kind !== "constant" || (left.kind !== "local" && left.kind !== "constant")) {
      this.push("computed", i);
      return;
    }
    const offset = (minus ? left.offset - right.offset : left.offset + right.offset) | 0;
    this.stack.push({ ...left, offset, at: left.kind === "constant" ? i : left.at });
  }

  private store(instruction: Instruction, i: number, block: number): void {
    this.stores++;
    this.pop(instruction);
    const address = this.pop(instruction);
    const offset = storeOffset(this.module, instruction);
    if (!this.need(address, { low: offset, high: offset }, i, block)) this.buried.push(i);
  }

  /** A call needs what the callee wants to be marked. */
  private meet(instruction: Instruction, i: number, block: number): void {
    const demands = this.demands.get(instruction.immediate) ?? [];
    const { params } = this.typeAt(this.module.functions[instruction.immediate] ?? -1);
    const first = this.stack.length - params.length;
    const unmet = demands.filter((demand) => !this.need(this.stack[first + demand.param], demand, i, block));
    if (unmet.length > 0) this.buried.push(i);
  }

  /** Notes that what lies from `low` to `high` bytes from an address must be marked; false if it can't be now. */
  private need(
    address: Value | undefined,
    { low, high }: { low: number; high: number },
    i: number,
    block: number,
  ): boolean {
    const { kind, definition, at } = address ?? UNKNOWN;
    if (address === undefined || kind === "unknown") return false;
    if (kind === "computed") this.passing.push({ at, low, high });
    else if (definition === undefined) {
      const constant = (address.offset + low) | 0;
      this.needs.push({
        ...{ root: CONSTANT, low: constant, high: constant + high - low },
        ...{ definition, block, at: i, behind: false },
      });
    } else {
      const distance = (definition.offset + address.offset) | 0;
      const kept = this.values.valueOf(definition.local, block) === definition;
      const where = kept ? { block, at: i, behind: false } : { block: address.block, at, behind: true };
      this.needs.push({
        root: definition.root,
        low: distance + low,
        high: distance + high,
        definition,
        ...where,
      });
    }
    return true;
  }

  private enter(instruction: Instruction, i: number): void {
    const before = this.current;
    const { opcode } = instruction;
    const { params, results } = this.blockType(instruction);
    if (before === undefined) {
      this.open(instruction, 0, results, [], false);
      return;
    }
    if (opcode === Op.if) this.pop(instruction);
    const height = this.stack.length - params;
    if (height < (this.frames[this.frames.length - 1]?.height ?? 0))
      throw new WasmError("not enough operands", instruction.start);
    const weight = this.blocks.weight[before] as number;
    const then = opcode === Op.if ? this.fallsThrough(i) : 1;
    if (opcode === Op.loop) for (let n = height; n < this.stack.length; n++) this.stack[n] = UNKNOWN;
    if (opcode === Op.tryTable)
      for (const target of instruction.targets) {
        const frame = this.frameOf(target, instruction);
        frame.catches = true;
        this.branch(frame, EXCEPTION);
      }
    this.open(instruction, height, results, this.stack.slice(height), true, before, weight * (1 - then));
    if (opcode === Op.block) return;
    this.end(i);
    if (opcode === Op.loop)
      this.current = this.blocks.begin(i + 1, before, weight * ROUNDS, {
        loopEnd: this.closers.get(instruction) ?? -1,
      });
    else this.current = this.blocks.begin(i + 1, before, weight * then);
  }

  private open(
    opener: Instruction,
    height: number,
    results: number,
    params: readonly Value[] = [],
    alive = true,
    before = 0,
    otherwise = 0,
  ): void {
    this.frames.push({
      ...{ opener, height, params, results, alive, before, otherwise },
      ...{ dominator: -1, weight: 0, from: [], catches: false },
    });
  }

  private otherwise(i: number): void {
    const frame = this.top;
    if (this.current !== undefined) {
      this.branch(frame, 1);
      this.end(i);
    }
    if (!frame.alive) return;
    this.stack.length = frame.height;
    this.stack.push(...frame.params);
    this.current = this.blocks.begin(i + 1, frame.before, frame.otherwise);
  }

  private handle(instruction: Instruction, i: number): void {
    const frame = this.top;
    if (this.current !== undefined) {
      this.branch(frame, 1);
      this.end(i);
    }
    if (!frame.alive) return;
    this.stack.length = frame.height;
    const weight = (this.blocks.weight[frame.before] as number) * EXCEPTION;
    this.current = this.blocks.begin(i + 1, frame.before, weight, { before: null });
    if (instruction.opcode === Op.catch) this.give(this.tagParams(instruction), i);
  }

  private close(instruction: Instruction, i: number): void {
    const frame = this.frames.pop() as Frame;
    const { opener, height, results, alive } = frame;
    const falls = this.current;
    if (falls !== undefined && this.stack.length !== height + results)
      throw new WasmError("wrong number of values at the end of a block", instruction.start);
    if (opener === this.body.root || !alive) {
      this.end(i);
      this.current = undefined;
      return;
    }
    if (opener.opcode === Op.loop) {
      if (falls === undefined) return;
      this.end(i);
      this.current = this.blocks.begin(i + 1, falls, (this.blocks.weight[falls] as number) / ROUNDS);
      return;
    }
    const skips = opener.opcode === Op.if && opener.otherwise === undefined;
    if (skips) this.merge(frame, frame.before, frame.otherwise);
    // Without a branch to the label, what comes behind it belongs to the same basic block.
    if (frame.dominator === -1) return;
    if (falls !== undefined) {
      this.merge(frame, falls, this.blocks.weight[falls] as number);
      this.end(i);
    }
    this.stack.length = height;
    const from = frame.catches ? null : [...new Set(frame.from)];
    this.current = this.blocks.begin(i + 1, frame.dominator, frame.weight, { before: from });
    this.give(results, i);
  }

  private branchIf(instruction: Instruction, i: number, block: number): void {
    this.pop(instruction);
    const straight = this.fallsThrough(i);
    this.branch(this.frameAt(instruction.immediate, instruction), 1 - straight);
    this.end(i);
    this.current = this.blocks.begin(i + 1, block, (this.blocks.weight[block] as number) * straight);
  }

  /** How often control goes on behind an `if` or `br_if`. */
  private fallsThrough(i: number): number {
    const habit = this.habits.get(i);
    if (habit === undefined) return 0.5;
    const often = habit.strongly ? 0.995 : 0.7;
    return habit.fallsThrough ? often : 1 - often;
  }

  /** Goes from the current block to a label. */
  private branch(frame: Frame, share: number): void {
    const from = this.current as number;
    if (frame.opener.opcode === Op.loop) return;
    let weight = (this.blocks.weight[from] as number) * share;
    for (let f = this.frames.length - 1; f >= 0 && this.frames[f] !== frame; f--)
      if (this.frames[f]?.opener.opcode === Op.loop) weight /= ROUNDS;
    this.merge(frame, from, weight);
  }

  private merge(frame: Frame, from: number, weight: number): void {
    frame.dominator = frame.dominator === -1 ? from : this.blocks.common(frame.dominator, from);
    frame.weight += weight;
    frame.from.push(from);
  }

  private get top(): Frame {
    return this.frames[this.frames.length - 1] as Frame;
  }

  private frameAt(depth: number, { start }: Instruction): Frame {
    const frame = this.frames[this.frames.length - 1 - depth];
    if (frame === undefined) throw new WasmError("no such label", start);
    return frame;
  }

  private frameOf(opener: Instruction, { start }: Instruction): Frame {
    for (let f = this.frames.length - 1; f >= 0; f--)
      if (this.frames[f]?.opener === opener) return this.frames[f] as Frame;
    throw new WasmError("no such label", start);
  }

  /** Ends the current basic block with the instruction `i`. */
  private end(i: number): void {
    if (this.current !== undefined) this.blocks.last[this.current] = i;
  }

  private die(i: number): void {
    this.end(i);
    this.current = undefined;
  }

  private blockType({ start }: Instruction): { params: number; results: number } {
    const first = this.module.bytes[start + 1] as number;
    if (first === VOID_BLOCK) return { params: 0, results: 0 };
    if (first > VOID_BLOCK && first < 0x80) return { params: 0, results: 1 };
    const { params, results } = this.typeAt(new Reader(this.module.bytes, start + 1).u32());
    return { params: params.length, results: results.length };
  }

  private typeAt(index: number): { params: readonly number[]; results: readonly number[] } {
    return this.module.types[index] ?? { params: [], results: [] };
  }

  private tagParams({ start }: Instruction): number {
    const { bytes, items, tags } = this.module;
    const tag = new Reader(bytes, start + 1).u32();
    const section = items.get(SectionId.tag);
    const imported = tags - (section?.count ?? 0);
    if (section === undefined || tag < imported)
      throw unsupported("imported tags, together with marks", start);
    const reader = new Reader(bytes, section.start, section.end);
    for (let t = imported; t < tag; t++) {
      reader.byte();
      reader.u32();
    }
    reader.byte();
    return this.typeAt(reader.u32()).params.length;
  }
}

function loopEnds({ instructions }: Body): Map<Instruction, number> {
  const ends = new Map<Instruction, number>();
  instructions.forEach(({ opcode, opener }, i) => {
    if (opcode === Op.end && opener?.opcode === Op.loop) ends.set(opener, i);
  });
  return ends;
}

/** Bytes that a store writes; 0: it is not one. */
export function storeSize({ opcode, immediate }: Instruction): number {
  if (opcode >= 0x36 && opcode <= 0x3e) return STORE_SIZES[opcode - 0x36] as number;
  if (opcode !== Op.simd) return 0;
  if (immediate === 11) return 16;
  return immediate >= 88 && immediate <= 91 ? 1 << (immediate - 88) : 0;
}

const STORE_SIZES: readonly number[] = [4, 8, 4, 8, 1, 2, 1, 2, 4];

/** The constant that a store adds to its address. */
export function storeOffset(module: Module, { opcode, start, end }: Instruction): number {
  const reader = new Reader(module.bytes, start + 1, end);
  if (opcode === Op.simd) reader.u32();
  reader.u32();
  return reader.u32();
}

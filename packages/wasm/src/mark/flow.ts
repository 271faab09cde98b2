import type { Body } from "../body.ts";
import { WasmError } from "../errors.ts";
import type { Instruction } from "../instruction.ts";
import { Op } from "../opcodes.ts";
import type { BranchHabit } from "../profile.ts";
import type { Module } from "../sections.ts";
import { Blocks, ROUNDS } from "./blocks.ts";
import { Operands, type Value } from "./operands.ts";
import { blockType, tagParams, typeOf } from "./signatures.ts";

/** A block of the body that is open. */
interface Frame {
  readonly opener: Instruction;
  readonly height: number;
  readonly params: readonly Value[];
  readonly results: number;
  /** Whether its start can be reached. */
  readonly alive: boolean;
  /** Loops that are open, this one too if it is one. */
  readonly loops: number;
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

/** Handlers are taken to be rare. */
const EXCEPTION = 0.001;

/** Parts a body into basic blocks as its instructions are gone through in order. */
export class Flow {
  readonly blocks = new Blocks();
  readonly operands = new Operands();
  private readonly module: Module;
  private readonly body: Body;
  private readonly habits: ReadonlyMap<number, BranchHabit>;
  private readonly closers: Map<Instruction, number>;
  private readonly frames: Frame[] = [];
  private readonly framesByOpener = new Map<Instruction, Frame>();
  private current: number | undefined;

  constructor(module: Module, body: Body, habits: ReadonlyMap<number, BranchHabit>) {
    this.module = module;
    this.body = body;
    this.habits = habits;
    this.closers = loopEnds(body);
    this.current = this.blocks.begin(0, 0, 1);
    this.open(body.root, 0, typeOf(module, body.functionIndex).results.length);
  }

  /** The basic block that has been come to; undefined where nothing is reached. */
  get block(): number | undefined {
    return this.current;
  }

  private get loops(): number {
    return this.frames[this.frames.length - 1]?.loops ?? 0;
  }

  /** Opens and closes blocks of the body; false if the instruction does not. */
  nest(instruction: Instruction, i: number): boolean {
    switch (instruction.opcode) {
      case Op.block:
      case Op.loop:
      case Op.if:
      case Op.try:
      case Op.tryTable:
        this.enter(instruction, i);
        return true;
      case Op.else:
        this.otherwise(i);
        return true;
      case Op.catch:
      case Op.catchAll:
        this.handle(instruction, i);
        return true;
      case Op.end:
      case Op.delegate:
        this.close(instruction, i);
        return true;
      default:
        return false;
    }
  }

  /** Goes to other instructions than the next; false if this one, which is reached, does not. */
  leave(instruction: Instruction, i: number): boolean {
    const { opcode, immediate, targets } = instruction;
    switch (opcode) {
      case Op.br:
        this.branch(this.frameAt(immediate, instruction), 1);
        break;
      case Op.brIf:
        this.branchIf(instruction, i);
        return true;
      case Op.brTable:
        this.operands.pop(instruction);
        for (const target of targets) this.branch(this.frameOf(target, instruction), 1 / targets.length);
        break;
      case Op.unreachable:
      case Op.return:
      case Op.throw:
      case Op.rethrow:
      case Op.throwRef:
      case Op.returnCall:
      case Op.returnCallIndirect:
        break;
      default:
        return false;
    }
    this.end(i);
    this.current = undefined;
    return true;
  }

  private enter(instruction: Instruction, i: number): void {
    const { operands, current: before } = this;
    const { opcode } = instruction;
    const { params, results } = blockType(this.module, instruction);
    if (before === undefined) {
      this.open(instruction, 0, results, [], false);
      return;
    }
    if (opcode === Op.if) operands.pop(instruction);
    const height = operands.height - params;
    if (height < operands.floor) throw new WasmError("not enough operands", instruction.start);
    const weight = this.blocks.weight[before] as number;
    const then = opcode === Op.if ? this.fallsThrough(i) : 1;
    if (opcode === Op.loop) operands.forget(height);
    if (opcode === Op.tryTable)
      for (const target of instruction.targets) {
        const frame = this.frameOf(target, instruction);
        frame.catches = true;
        this.branch(frame, EXCEPTION);
      }
    this.open(instruction, height, results, operands.above(height), true, before, weight * (1 - then));
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
    this.operands.floor = height;
    const loops = this.loops + (opener.opcode === Op.loop ? 1 : 0);
    const frame: Frame = {
      ...{ opener, height, params, results, alive, loops, before, otherwise },
      ...{ dominator: -1, weight: 0, from: [], catches: false },
    };
    this.frames.push(frame);
    this.framesByOpener.set(opener, frame);
  }

  private otherwise(i: number): void {
    const frame = this.nextPart(i);
    if (!frame.alive) return;
    this.operands.reset(frame.height, frame.params);
    this.current = this.blocks.begin(i + 1, frame.before, frame.otherwise);
  }

  private handle(instruction: Instruction, i: number): void {
    const frame = this.nextPart(i);
    if (!frame.alive) return;
    this.operands.reset(frame.height);
    const weight = (this.blocks.weight[frame.before] as number) * EXCEPTION;
    const block = this.blocks.begin(i + 1, frame.before, weight, { before: null });
    this.current = block;
    if (instruction.opcode === Op.catch)
      this.operands.computed(tagParams(this.module, instruction), i, block);
  }

  /** Goes from the end of a part of the innermost open block, which another one follows, to the block's label. */
  private nextPart(i: number): Frame {
    const frame = this.frames[this.frames.length - 1] as Frame;
    if (this.current !== undefined) {
      this.branch(frame, 1);
      this.end(i);
    }
    return frame;
  }

  private close(instruction: Instruction, i: number): void {
    const { operands, current: falls } = this;
    const frame = this.frames.pop() as Frame;
    this.framesByOpener.delete(frame.opener);
    operands.floor = this.frames[this.frames.length - 1]?.height ?? 0;
    const { opener, height, results, alive } = frame;
    if (falls !== undefined && operands.height !== height + results)
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
    operands.reset(height);
    const from = frame.catches ? null : [...new Set(frame.from)];
    const block = this.blocks.begin(i + 1, frame.dominator, frame.weight, { before: from });
    this.current = block;
    operands.computed(results, i, block);
  }

  private branchIf(instruction: Instruction, i: number): void {
    const block = this.current as number;
    this.operands.pop(instruction);
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
    const weight = ((this.blocks.weight[from] as number) * share) / ROUNDS ** (this.loops - frame.loops);
    this.merge(frame, from, weight);
  }

  private merge(frame: Frame, from: number, weight: number): void {
    frame.dominator = frame.dominator === -1 ? from : this.blocks.common(frame.dominator, from);
    frame.weight += weight;
    frame.from.push(from);
  }

  private frameAt(depth: number, { start }: Instruction): Frame {
    const frame = this.frames[this.frames.length - 1 - depth];
    if (frame === undefined) throw new WasmError("no such label", start);
    return frame;
  }

  private frameOf(opener: Instruction, { start }: Instruction): Frame {
    const frame = this.framesByOpener.get(opener);
    if (frame) return frame;
    throw new WasmError("no such label", start);
  }

  /** Ends the current basic block with the instruction `i`. */
  private end(i: number): void {
    if (this.current !== undefined) this.blocks.last[this.current] = i;
  }
}

function loopEnds({ instructions }: Body): Map<Instruction, number> {
  const ends = new Map<Instruction, number>();
  instructions.forEach(({ opcode, opener }, i) => {
    if (opcode === Op.end && opener?.opcode === Op.loop) ends.set(opener, i);
  });
  return ends;
}

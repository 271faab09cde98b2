import { costOf } from "./opcodes.ts";

/** How the checks of a loop are done; decided in checks.ts. */
export type LoopChecks = "none" | "backEdges" | "header" | "dispatch";

/** Shared, as most instructions have none. */
const NO_TARGETS: readonly Instruction[] = [];

/**
 * One instruction of a function body, linked to those it belongs with.
 *
 * The second half is the plan: where the passes checks.ts and potentials.ts note what to insert.
 */
export class Instruction {
  opcode = 0;
  /** Offset of the opcode in the module. */
  start = 0;
  /** Offset just behind the instruction. */
  end = 0;
  /**
   * Label depth; index of a local, a global, a function or an indirect call's type; or the number behind the
   * prefix 0xfc or 0xfd.
   */
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
  targets: readonly Instruction[] = NO_TARGETS;
  /** Of the start of a block: a branch to its label certainly carries no values. */
  labelIsVoid = false;
  /** Of a `loop`: how many `br` and `br_if` go back to it; at least `MANY` if others do, or with values. */
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

  /** Makes it another instruction, which nothing is known of yet. */
  reset(opcode: number, start: number): this {
    this.opcode = opcode;
    this.start = start;
    this.end = 0;
    this.immediate = 0;
    this.opener = undefined;
    this.closer = undefined;
    this.otherwise = undefined;
    this.target = undefined;
    this.targets = NO_TARGETS;
    this.labelIsVoid = false;
    this.backEdges = 0;
    this.check = false;
    this.charge = 0;
    this.edgeCharge = 0;
    this.cut = false;
    this.level = 0;
    this.loopChecks = "none";
    this.roundCharge = 0;
    this.dispatchCost = 0;
    this.potential = 0;
    this.toCheck = 0;
    this.toExit = 0;
    return this;
  }
}

/** Instructions to use again for the next body: there are more in a module than are good to make anew. */
export class InstructionPool {
  private readonly items: Instruction[] = [];
  private used = 0;

  take(opcode: number, start: number): Instruction {
    let instruction = this.items[this.used++];
    if (instruction === undefined) {
      instruction = new Instruction();
      this.items.push(instruction);
    }
    return instruction.reset(opcode, start);
  }

  /** All that are taken, from the one with number `first` on. */
  taken(first: number): Instruction[] {
    return this.items.slice(first, this.used);
  }

  /** Takes all back. */
  clear(): void {
    this.used = 0;
  }
}

/** What an instruction costs by itself. */
export function cost(instruction: Instruction): number {
  return costOf(instruction.opcode);
}

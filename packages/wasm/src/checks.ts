import type { Body } from "./body.ts";
import type { Instruction } from "./instruction.ts";
import { cost } from "./instruction.ts";
import { Op } from "./opcodes.ts";

/**
 * What callers know about each function; indexed as in the module, imported functions first. Filled in the
 * order in which functions come after those they call.
 */
export interface Callees {
  /** The function checks the fuel at its entry. */
  readonly entryCheck: Uint8Array;
  /** Callers check the fuel just after a call. */
  readonly checkAfter: Uint8Array;
  /** What callers pay for the callee's assumed path; 0 if the function charges itself at its entry. */
  readonly prepaid: Int32Array;
  readonly toCheck: Int32Array;
  readonly toExit: Int32Array;
  readonly tail: Int32Array;
}

export function newCallees(functions: number): Callees {
  return {
    entryCheck: new Uint8Array(functions),
    checkAfter: new Uint8Array(functions),
    prepaid: new Int32Array(functions),
    toCheck: new Int32Array(functions),
    toExit: new Int32Array(functions),
    tail: new Int32Array(functions).fill(NEVER),
  };
}

/** Longest paths of a function, in units of fuel; `NEVER` if there is none. */
export interface StraightPaths {
  /** From the entry to the first check or the exit. */
  readonly toCheck: number;
  /** From the entry to the exit without a check. */
  readonly toExit: number;
  /** From a check in the function to its exit without another one. */
  readonly tail: number;
  /** Between any two of entry, checks and exit. */
  readonly longest: number;
  readonly checkAfter: boolean;
}

/** The length of a path that does not exist. */
export const NEVER = -1;

/** The length of one path and then another. */
function plus(first: number, second: number): number {
  return first === NEVER || second === NEVER ? NEVER : first + second;
}

/** Loops with up to this many back edges check there, so that entering them stays on the straight path. */
const MAX_CHECKED_BACK_EDGES = 2;

/** A `br_table` with this many targets at the start of a loop is an interpreter's dispatch. */
const DISPATCH_TARGETS = 16;

/** The longest straight code from the start of a loop to its `br_table`. */
const MAX_DISPATCH_COST = 64;

/**
 * Chooses where in a body the fuel is checked: in every round of every loop, where exceptions are caught,
 * around indirect calls, after calls of functions that may have used much, and wherever else a straight path
 * would be longer than `limit`. Entries are the call graph's business: `callees.entryCheck`.
 */
export function placeChecks(body: Body, callees: Callees, limit: number): StraightPaths {
  const { instructions } = body;
  const tableUses = cutTableTargets(instructions);
  instructions.forEach((instruction, i) => {
    if (instruction.opcode === Op.brTable) planDispatch(instructions, i, tableUses);
  });
  let checkAfter = callees.entryCheck[body.functionIndex] === 1;
  for (const instruction of instructions) {
    placeFixedChecks(instruction, callees, body.root);
    checkAfter ||= leavesUnchecked(instruction, body.root);
  }
  return { ...new PathFinder(body, callees, limit).run(), checkAfter };
}

/** All edges of a table carry the same potential: 0, or that of a dispatch. */
function cutTableTargets(instructions: readonly Instruction[]): Map<Instruction, number> {
  const uses = new Map<Instruction, number>();
  for (const { targets } of instructions) {
    if (targets.length === 0) continue;
    for (const target of targets) {
      uses.set(target, (uses.get(target) ?? 0) + 1);
      if (target.opcode !== Op.loop && target.closer) target.closer.cut = true;
    }
  }
  return uses;
}

/**
 * Straight code from the start of a loop to a `br_table` is paid for at the table's targets: once for header
 * and handler, and the loop's check moves there too.
 */
function planDispatch(
  instructions: readonly Instruction[],
  at: number,
  uses: Map<Instruction, number>,
): void {
  const table = instructions[at] as Instruction;
  const exclusive = (target: Instruction) =>
    target.closer !== undefined &&
    target.opcode !== Op.loop &&
    uses.get(target) === 1 &&
    !isLast(target.closer);
  if (!table.targets.every(exclusive)) return;
  let straight = cost(table);
  let loop: Instruction | undefined;
  for (let i = at - 1; i >= 0 && straight <= MAX_DISPATCH_COST; i--) {
    const instruction = instructions[i] as Instruction;
    if (instruction.opcode === Op.loop) loop = instruction;
    if (!isStraight(instruction)) break;
    straight += cost(instruction);
  }
  if (loop === undefined) return;
  table.level = -straight;
  for (const { closer } of table.targets) if (closer) closer.level = -straight;
  if (loop.backEdges <= MAX_CHECKED_BACK_EDGES || table.targets.length < DISPATCH_TARGETS) return;
  loop.loopChecks = "dispatch";
  loop.dispatchCost = straight;
  for (const { closer } of table.targets) if (closer) closer.check = true;

  function isLast(closer: Instruction): boolean {
    return closer === instructions[instructions.length - 1];
  }
}

/** Neither control flow nor a call, apart from the start of blocks. */
function isStraight({ opcode }: Instruction): boolean {
  return opcode === Op.block || opcode === Op.nop || (opcode >= Op.drop && opcode !== Op.tryTable);
}

function placeFixedChecks(instruction: Instruction, callees: Callees, root: Instruction): void {
  switch (instruction.opcode) {
    case Op.loop:
      if (instruction.loopChecks === "dispatch") return;
      if (instruction.backEdges === 0) return;
      if (instruction.backEdges <= MAX_CHECKED_BACK_EDGES) {
        instruction.loopChecks = "backEdges";
      } else {
        instruction.loopChecks = "header";
        instruction.check = instruction.cut = true;
      }
      return;
    case Op.catch:
    case Op.catchAll:
      instruction.check = instruction.cut = true;
      return;
    case Op.tryTable:
      for (const target of instruction.targets) {
        if (target !== root && target.opcode !== Op.loop && target.closer) target.closer.check = true;
      }
      return;
    case Op.callIndirect:
      instruction.check = true;
      return;
    case Op.call:
      if (callees.checkAfter[instruction.immediate]) instruction.check = true;
      return;
  }
}

/** Callees of tail calls, and exceptions caught out of the function, may have used much before its exit. */
function leavesUnchecked({ opcode, targets }: Instruction, root: Instruction): boolean {
  if (opcode === Op.returnCall || opcode === Op.returnCallIndirect) return true;
  return opcode === Op.tryTable && targets.includes(root);
}

/**
 * Walks a body backwards, with the longest paths from the current point to the next check and to the exit.
 * Where the former would exceed the limit it adds a check, which also ends the path that is paid in advance.
 *
 * Joins are kept to half the limit, so that adding one check always suffices: an instruction continues at
 * the next one or at a join; and callees are kept to a quarter.
 */
class PathFinder {
  private readonly body: Body;
  private readonly callees: Callees;
  private readonly limit: number;
  private toCheck = 0;
  private toExit = 0;
  private tail = NEVER;
  private longest = 0;

  constructor(body: Body, callees: Callees, limit: number) {
    this.body = body;
    this.callees = callees;
    this.limit = limit;
  }

  run(): Omit<StraightPaths, "checkAfter"> {
    const { instructions } = this.body;
    for (let i = instructions.length - 1; i >= 0; i--) {
      const instruction = instructions[i] as Instruction;
      if (this.needsCheckBehind(instruction)) addCheck(instruction);
      if (instruction.check) this.passCheck();
      const { toCheck, toExit } = this;
      this.step(instruction);
      if (this.toCheck <= this.limit || instruction.check) continue;
      addCheck(instruction);
      this.toCheck = toCheck;
      this.toExit = toExit;
      this.passCheck();
      this.step(instruction);
    }
    this.longest = Math.max(this.longest, this.toCheck);
    if (this.callees.entryCheck[this.body.functionIndex]) this.passCheck();
    const { toCheck, toExit, tail, longest } = this;
    return { toCheck, toExit, tail, longest };
  }

  private needsCheckBehind(instruction: Instruction): boolean {
    if (instruction.check) return false;
    if (isJoin(instruction)) return this.toCheck > this.limit / 2;
    if (instruction.opcode !== Op.call) return false;
    return plus(this.callees.tail[instruction.immediate] as number, this.toCheck) > this.limit;
  }

  private passCheck(): void {
    this.endPath(this.toCheck);
    this.tail = Math.max(this.tail, this.toExit);
    this.continueWith(0, NEVER);
  }

  private endPath(length: number): void {
    this.longest = Math.max(this.longest, length);
  }

  private continueWith(toCheck: number, toExit: number): void {
    this.toCheck = toCheck;
    this.toExit = toExit;
  }

  private add(units: number): void {
    this.toCheck += units;
    this.toExit = plus(this.toExit, units);
  }

  private step(instruction: Instruction): void {
    const { opcode, opener } = instruction;
    switch (opcode) {
      case Op.end:
      case Op.delegate:
        if (opener === this.body.root) this.continueWith(0, 0);
        this.remember(instruction);
        return;
      case Op.else:
        this.remember(instruction);
        this.continueAt(opener?.closer);
        return;
      case Op.catch:
      case Op.catchAll:
        this.continueAt(opener?.closer);
        return;
      case Op.loop:
        if (instruction.loopChecks !== "backEdges") return;
        this.endPath(this.toCheck);
        this.tail = Math.max(this.tail, this.toExit);
        return;
      case Op.if:
        this.orContinueAt(instruction.otherwise ?? instruction.closer);
        this.add(cost(instruction));
        return;
      case Op.call:
      case Op.returnCall:
        this.call(instruction);
        return;
      case Op.callIndirect:
      case Op.returnCallIndirect:
        this.continueWith(0, NEVER);
        return;
      default:
        this.stepBranch(instruction);
    }
  }

  private stepBranch(instruction: Instruction): void {
    switch (instruction.opcode) {
      case Op.br:
      case Op.return:
        this.continueWith(0, NEVER);
        this.orBranchTo(instruction.target);
        break;
      case Op.brIf:
        this.orBranchTo(instruction.target);
        break;
      case Op.brTable:
        this.continueWith(0, NEVER);
        for (const target of instruction.targets) this.orBranchTo(target);
        break;
      case Op.unreachable:
      case Op.throw:
      case Op.rethrow:
      case Op.throwRef:
        this.continueWith(0, NEVER);
        break;
    }
    this.add(cost(instruction));
  }

  private call({ opcode, immediate }: Instruction): void {
    const { callees } = this;
    if (opcode === Op.returnCall) this.continueWith(0, 0);
    const callee = callees.toCheck[immediate] as number;
    const through = callees.toExit[immediate] as number;
    const tail = callees.tail[immediate] as number;
    this.endPath(plus(tail, this.toCheck));
    this.tail = Math.max(this.tail, plus(tail, this.toExit));
    this.continueWith(Math.max(callee, plus(through, this.toCheck)), plus(through, this.toExit));
    this.add(1);
  }

  private remember(join: Instruction): void {
    join.toCheck = this.toCheck;
    join.toExit = this.toExit;
  }

  private continueAt(join: Instruction | undefined): void {
    this.continueWith(join?.toCheck ?? 0, join?.toExit ?? 0);
  }

  private orContinueAt(join: Instruction | undefined): void {
    this.toCheck = Math.max(this.toCheck, join?.toCheck ?? 0);
    this.toExit = Math.max(this.toExit, join?.toExit ?? 0);
  }

  private orBranchTo(target: Instruction | undefined): void {
    if (target === undefined) return;
    if (target.opcode === Op.loop) this.toCheck = Math.max(this.toCheck, target.dispatchCost);
    else this.orContinueAt(target.closer);
  }
}

/** Points that branches lead to, except the function's end. */
function isJoin({ opcode, opener }: Instruction): boolean {
  return (opcode === Op.end || opcode === Op.delegate || opcode === Op.else) && opener !== undefined;
}

function addCheck(instruction: Instruction): void {
  instruction.check = instruction.cut = true;
}

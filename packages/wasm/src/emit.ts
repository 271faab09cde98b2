import { type Code, i32 } from "./assemble.ts";
import type { Writer } from "./binary.ts";
import type { Body } from "./body.ts";
import { bulkCall } from "./bulk.ts";
import { isCall } from "./callgraph.ts";
import type { FrameSizes } from "./frame.ts";
import type { Instruction } from "./instruction.ts";
import type { Check, Layout } from "./layout.ts";
import type { Marks } from "./mark/plan.ts";
import { memoryGrow, memorySize } from "./memory.ts";
import { canonicalise, type FloatShape, visibleNan } from "./nan.ts";
import { Op, ValueType, VOID_BLOCK } from "./opcodes.ts";
import { lowerStack, raiseStack, resultBlockType } from "./pad.ts";
import type { BranchCounters, BranchHabit } from "./profile.ts";
import type { Module } from "./sections.ts";

/** What to make of one function body, apart from what its instructions say themselves. */
export interface EmitPlan {
  readonly body: Body;
  /** Charged at the entry. */
  readonly entryCharge: number;
  readonly entryCheck: boolean;
  /** Bytes of shadow stack, and the global that points there; 0: none. */
  readonly padding: number;
  readonly stackPointer: number;
  /** A frame of the function's own that grows by the padding instead. */
  readonly frame: FrameSizes | undefined;
  readonly habits: ReadonlyMap<number, BranchHabit>;
  readonly counters: BranchCounters | undefined;
  readonly marks: Marks | undefined;
}

/** A branch hint: the offset of an `if` or `br_if` in its body, and whether its condition is likely true. */
export interface Hint {
  readonly offset: number;
  readonly likely: boolean;
}

/** How often something was inserted. */
export interface Counts {
  charges: number;
  checks: number;
  canonicalised: number;
  stores: number;
  marks: number;
}

/** Writes one rewritten body, without its size. */
export function emitBody(
  out: Writer,
  module: Module,
  layout: Layout,
  plan: EmitPlan,
  counts: Counts,
): Hint[] {
  return new BodyEmitter(out, module, layout, plan, counts).emit();
}

class BodyEmitter {
  private readonly out: Writer;
  private readonly module: Module;
  private readonly layout: Layout;
  private readonly plan: EmitPlan;
  private readonly counts: Counts;
  private readonly hints: Hint[] = [];
  private readonly start: number;
  /** Indices of an i32, of floats and of a vector behind the function's own locals. */
  private readonly scratch: Readonly<Record<"i32" | FloatShape, number>>;
  private readonly needs: { readonly floats: boolean; readonly vector: boolean };
  /** Everything before this offset of the module has been copied or replaced. */
  private copied: number;

  constructor(out: Writer, module: Module, layout: Layout, plan: EmitPlan, counts: Counts) {
    this.out = out;
    this.module = module;
    this.layout = layout;
    this.plan = plan;
    this.counts = counts;
    this.start = out.length;
    this.copied = plan.body.locals.start;
    const { localCount } = plan.body;
    this.needs = this.neededLocals();
    const vector = localCount + (this.needs.floats ? 3 : 1);
    this.scratch = {
      i32: localCount,
      f32: localCount + 1,
      f64: localCount + 2,
      f32x4: vector,
      f64x2: vector,
    };
  }

  emit(): Hint[] {
    const { instructions, root } = this.plan.body;
    this.counts.stores += this.plan.marks?.stores ?? 0;
    this.counts.marks += this.plan.marks?.count ?? 0;
    this.declareLocals();
    this.enter();
    const marked = this.markedInstructions();
    for (let i = 0; i < instructions.length; i++) {
      const instruction = instructions[i] as Instruction;
      const marks = marked?.[i] ? this.plan.marks : undefined;
      this.countBranch(instruction, i, "reached");
      if (marks) this.mark(marks.before.get(i), instruction.start);
      this.before(instruction, i, marks?.instead.get(i));
      if (instruction.opener === root && instruction.opcode === Op.end) this.leave(instruction);
      this.countBranch(instruction, i, "fellThrough");
      if (marks) this.mark(marks.behind.get(i), instruction.end);
      this.after(instruction, instructions[i + 1]);
    }
    this.copyUntil(root.closer?.end ?? 0);
    return this.hints;
  }

  /** A 1 for each instruction that has marks around it: most have none, and maps are slow to ask. */
  private markedInstructions(): Uint8Array | undefined {
    const { body, marks } = this.plan;
    if (marks === undefined) return undefined;
    const marked = new Uint8Array(body.instructions.length);
    for (const map of [marks.before, marks.behind, marks.instead]) for (const i of map.keys()) marked[i] = 1;
    return marked;
  }

  /** Whether the body becomes a block with padding around it. */
  private get wraps(): boolean {
    return this.plan.padding > 0 && this.plan.frame === undefined;
  }

  private declareLocals(): void {
    const { locals } = this.plan.body;
    const { floats, vector } = this.needs;
    this.out.u32(locals.groups + 1 + (floats ? 2 : 0) + (vector ? 1 : 0));
    this.copyUntil(locals.end);
    this.out.bytes([1, ValueType.i32]);
    if (floats) this.out.bytes([1, ValueType.f32, 1, ValueType.f64]);
    if (vector) this.out.bytes([1, ValueType.v128]);
  }

  private neededLocals(): { floats: boolean; vector: boolean } {
    const { instructions } = this.plan.body;
    const needs = { floats: false, vector: false };
    instructions.forEach((instruction, i) => {
      const shape = this.floatToClean(instruction, instructions[i + 1]);
      if (shape === "f32" || shape === "f64") needs.floats = true;
      else if (shape) needs.vector = true;
    });
    return needs;
  }

  private enter(): void {
    const { entryCharge, entryCheck, padding, stackPointer, body } = this.plan;
    if (entryCheck) this.chargeAndCheck(entryCharge);
    else this.charge(entryCharge);
    if (!this.wraps) return;
    this.insert(lowerStack(stackPointer, padding));
    this.insert([Op.block, ...resultBlockType(this.layout, this.functionType(body.functionIndex).results)]);
  }

  /** What stands in front of the function's last `end`. */
  private leave(end: Instruction): void {
    if (!this.wraps) return;
    this.copyUntil(end.start);
    this.insert([Op.end]);
    this.insert(raiseStack(this.plan.stackPointer, this.plan.padding));
  }

  /** What is inserted in front of an instruction, or stands in its place. */
  private before(instruction: Instruction, i: number, instead: Code | undefined): void {
    const { opcode, opener } = instruction;
    switch (opcode) {
      case Op.if:
        this.hint(instruction, i);
        return;
      case Op.brIf:
        this.branchIf(instruction, i);
        return;
      case Op.br:
        if (this.isCheckedBackEdge(instruction)) {
          this.copyUntil(instruction.start);
          this.chargeAndCheck(instruction.target?.roundCharge ?? 0);
        }
        return;
      case Op.end:
        if (opener?.edgeCharge && opener.opcode === Op.if) {
          this.copyUntil(instruction.start);
          this.insert([Op.else]);
          this.charge(opener.edgeCharge);
        }
        return;
      case Op.return:
        if (this.wraps) this.replaceBy(instruction, [Op.br]).out.u32(instruction.immediate);
        return;
    }
    if (isCall(instruction)) {
      this.beforeCall(instruction);
      if (instead) this.replaceBy(instruction, instead);
      return;
    }
    const replacement = instead ?? this.replacement(instruction);
    if (replacement !== undefined) this.replaceBy(instruction, replacement);
  }

  private replacement(instruction: Instruction): Code | undefined {
    const { frame, padding } = this.plan;
    switch (instruction.opcode) {
      case Op.i32Const: {
        const size = frame?.get(instruction);
        return size === undefined ? undefined : i32((size + padding) | 0);
      }
      case Op.memorySize:
        return memorySize(this.layout);
      case Op.memoryGrow:
        return memoryGrow(this.layout);
      case Op.prefixed:
        return bulkCall(this.module, this.layout, instruction);
      default:
        return undefined;
    }
  }

  private beforeCall({ opcode, start }: Instruction): void {
    const indirect = opcode === Op.callIndirect || opcode === Op.returnCallIndirect;
    const leaves = (opcode === Op.returnCall || opcode === Op.returnCallIndirect) && this.wraps;
    if (indirect || leaves) this.copyUntil(start);
    if (indirect) this.check();
    if (leaves) this.insert(raiseStack(this.plan.stackPointer, this.plan.padding));
  }

  /** A `br_if` that pays or checks on its way becomes an `if` around a `br`. */
  private branchIf(instruction: Instruction, i: number): void {
    const backEdge = this.isCheckedBackEdge(instruction);
    if (!backEdge && instruction.edgeCharge === 0) {
      this.hint(instruction, i);
      return;
    }
    this.copyUntil(instruction.start);
    const habit = this.plan.habits.get(i);
    if (!backEdge && habit?.strongly && habit.fallsThrough) this.addHint(false);
    this.insert([Op.if, VOID_BLOCK]);
    if (backEdge) this.chargeAndCheck(instruction.target?.roundCharge ?? 0);
    else this.charge(instruction.edgeCharge);
    this.insert([Op.br]);
    this.out.u32(instruction.immediate + 1);
    this.insert([Op.end]);
    this.copied = instruction.end;
  }

  private isCheckedBackEdge({ target }: Instruction): boolean {
    return target?.opcode === Op.loop && target.loopChecks === "backEdges";
  }

  private after(instruction: Instruction, next: Instruction | undefined): void {
    const float = this.floatToClean(instruction, next);
    if (!float && !instruction.check && instruction.charge === 0) return;
    this.copyUntil(instruction.end);
    if (float) {
      this.insert(canonicalise(float, this.scratch[float]));
      this.counts.canonicalised++;
    }
    if (instruction.check) this.chargeAndCheck(instruction.charge);
    else this.charge(instruction.charge);
  }

  /** Floats computed here, or given by the host, whose NaN bits could be seen. */
  private floatToClean(instruction: Instruction, next: Instruction | undefined): FloatShape | undefined {
    if (instruction.opcode !== Op.call) return visibleNan(instruction, next);
    if (instruction.immediate >= this.module.importedFunctions) return undefined;
    const { results } = this.functionType(instruction.immediate);
    if (results.length !== 1) return undefined;
    return results[0] === ValueType.f32 ? "f32" : results[0] === ValueType.f64 ? "f64" : undefined;
  }

  private functionType(index: number): { readonly results: readonly number[] } {
    return this.module.types[this.module.functions[index] as number] ?? { results: [] };
  }

  private charge(units: number): void {
    if (units === 0) return;
    this.counts.charges++;
    const { head, tail } = this.layout.charge;
    this.insert(head);
    this.out.s32(units);
    this.insert(tail);
  }

  private chargeAndCheck(units: number): void {
    if (units === 0) {
      this.check();
      return;
    }
    this.counts.charges++;
    this.insertCheck(this.layout.chargedCheck(i32(units), this.scratch.i32));
  }

  private check(): void {
    this.insertCheck(this.layout.check);
  }

  private insertCheck({ condition, refill }: Check): void {
    this.counts.checks++;
    this.insert(condition);
    this.addHint(false);
    this.insert(refill);
  }

  private hint(instruction: Instruction, i: number): void {
    const habit = this.plan.habits.get(i);
    if (!habit?.strongly) return;
    this.copyUntil(instruction.start);
    this.addHint(instruction.opcode === Op.if ? habit.fallsThrough : !habit.fallsThrough);
  }

  private addHint(likely: boolean): void {
    this.hints.push({ offset: this.out.length - this.start, likely });
  }

  private countBranch(instruction: Instruction, i: number, event: "reached" | "fellThrough"): void {
    const { counters, body } = this.plan;
    if (counters === undefined || (instruction.opcode !== Op.if && instruction.opcode !== Op.brIf)) return;
    this.copyUntil(instruction.start);
    if (event === "fellThrough") this.copyUntil(instruction.end);
    this.insert(counters.count(body.functionIndex - this.module.importedFunctions, i, event));
  }

  private mark(code: Code | undefined, offset: number): void {
    if (code === undefined) return;
    this.copyUntil(offset);
    this.insert(code);
  }

  private replaceBy(instruction: Instruction, code: Code): this {
    this.copyUntil(instruction.start);
    this.insert(code);
    this.copied = instruction.end;
    return this;
  }

  private copyUntil(offset: number): void {
    if (offset <= this.copied) return;
    this.out.copy(this.module.bytes, this.copied, offset);
    this.copied = offset;
  }

  private insert(code: Code): void {
    this.out.code(code);
  }
}

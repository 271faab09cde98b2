import { Reader } from "../binary.ts";
import type { Body } from "../body.ts";
import type { Instruction } from "../instruction.ts";
import { Op } from "../opcodes.ts";
import type { BranchHabit } from "../profile.ts";
import type { FunctionType, Module } from "../sections.ts";
import { arityOf } from "./arity.ts";
import type { Blocks } from "./blocks.ts";
import { Flow } from "./flow.ts";
import type { Demands, Need, Needs, Passing } from "./needs.ts";
import type { Operands, Value } from "./operands.ts";
import { typeAt, typeOf } from "./signatures.ts";
import { isStore, storeOffset } from "./stores.ts";
import { CONSTANT, type Definition, LocalValues } from "./values.ts";

const [I32_ADD, I32_SUB] = [0x6a, 0x6b];

/** Follows the addresses of stores to where they come from. */
export function findNeeds(
  module: Module,
  body: Body,
  habits: ReadonlyMap<number, BranchHabit>,
  demands: Demands,
): Needs {
  const finder = new NeedFinder(module, body, habits, demands);
  finder.run();
  return finder;
}

class NeedFinder implements Needs {
  readonly needs: Need[] = [];
  readonly passing: Passing[] = [];
  readonly buried: number[] = [];
  readonly sets: Definition[] = [];
  readonly params: number;
  stores = 0;
  private readonly module: Module;
  private readonly body: Body;
  private readonly demands: Demands;
  private readonly flow: Flow;
  private readonly operands: Operands;
  private readonly values: LocalValues;

  constructor(module: Module, body: Body, habits: ReadonlyMap<number, BranchHabit>, demands: Demands) {
    this.demands = demands;
    this.module = module;
    this.body = body;
    this.flow = new Flow(module, body, habits);
    this.operands = this.flow.operands;
    this.values = new LocalValues(body, this.blocks);
    this.params = typeOf(module, body.functionIndex).params.length;
  }

  get blocks(): Blocks {
    return this.flow.blocks;
  }

  get definitions(): readonly Definition[] {
    return this.values.definitions;
  }

  entry(local: number): Definition {
    return this.values.entry(local);
  }

  run(): void {
    const { flow } = this;
    this.body.instructions.forEach((instruction, i) => {
      if (flow.nest(instruction, i) || flow.block === undefined) return;
      if (callsDirectly(instruction)) this.meet(instruction, i, flow.block);
      if (!flow.leave(instruction, i)) this.step(instruction, i, flow.block);
    });
  }

  /** An instruction that is reached, and goes on to the next. */
  private step(instruction: Instruction, i: number, block: number): void {
    const { opcode, immediate } = instruction;
    switch (opcode) {
      case Op.call:
        this.call(instruction, i, block, typeOf(this.module, immediate));
        return;
      case Op.callIndirect:
        this.operands.pop(instruction);
        this.call(instruction, i, block, typeAt(this.module, immediate));
        return;
      case Op.localGet:
        this.operands.local(this.values.valueOf(immediate, block), i, block);
        return;
      case Op.localSet:
        this.setLocal(instruction, i, block);
        return;
      case Op.localTee:
        this.operands.local(this.setLocal(instruction, i, block), i, block);
        return;
      case Op.i32Const:
        this.operands.constant(this.readConstant(instruction), i, block);
        return;
      case I32_ADD:
      case I32_SUB:
        this.add(instruction, i, block);
        return;
    }
    if (isStore(instruction)) this.store(instruction, i, block);
    else this.plain(instruction, i, block);
  }

  private plain(instruction: Instruction, i: number, block: number): void {
    const { takes, gives } = arityOf(instruction);
    this.operands.drop(takes, instruction);
    this.operands.computed(gives, i, block);
  }

  private call(instruction: Instruction, i: number, block: number, { params, results }: FunctionType): void {
    this.operands.drop(params.length, instruction);
    this.operands.computed(results.length, i, block);
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
    const { kind, definition, offset, block: from } = this.operands.pop(instruction);
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

  private add(instruction: Instruction, i: number, block: number): void {
    let right = this.operands.pop(instruction);
    let left = this.operands.pop(instruction);
    const minus = instruction.opcode === I32_SUB;
    if (!minus && left.kind === "constant") [left, right] = [right, left];
    if (right.kind !== "constant" || (left.kind !== "local" && left.kind !== "constant")) {
      this.operands.computed(1, i, block);
      return;
    }
    const offset = (minus ? left.offset - right.offset : left.offset + right.offset) | 0;
    this.operands.push({ ...left, offset, at: left.kind === "constant" ? i : left.at });
  }

  private store(instruction: Instruction, i: number, block: number): void {
    this.stores++;
    this.operands.pop(instruction);
    const address = this.operands.pop(instruction);
    const offset = storeOffset(this.module, instruction);
    if (!this.need(address, { low: offset, high: offset }, i, block)) this.buried.push(i);
  }

  /** A call needs what the callee wants to be marked. */
  private meet({ immediate }: Instruction, i: number, block: number): void {
    const demands = this.demands.get(immediate) ?? [];
    const { params } = typeOf(this.module, immediate);
    const unmet = demands.filter(
      (demand) => !this.need(this.operands.peek(params.length - demand.param), demand, i, block),
    );
    if (unmet.length > 0) this.buried.push(i);
  }

  /** Notes that what lies from `low` to `high` bytes from an address must be marked; false if it can't be now. */
  private need(
    address: Value | undefined,
    { low, high }: { low: number; high: number },
    i: number,
    block: number,
  ): boolean {
    if (address === undefined || address.kind === "unknown") return false;
    const { kind, definition, at } = address;
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
}

/** Whether an instruction calls a function that it names: the number in an indirect call is a type. */
const callsDirectly = ({ opcode }: Instruction): boolean => opcode === Op.call || opcode === Op.returnCall;

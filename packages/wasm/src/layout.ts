import {
  type Code,
  call,
  globalGet,
  globalSet,
  i32,
  i32LtS,
  i32Sub,
  ifThen,
  localGet,
  localTee,
} from "./assemble.ts";
import { WasmError } from "./errors.ts";
import type { MarkMemory } from "./mark/grain.ts";
import { Op } from "./opcodes.ts";
import type { FunctionType, Module } from "./sections.ts";

/** Pages of the largest memory. */
const MAX_PAGES = 65_536;

/**
 * What the rewriter adds to a module, and under which indices: always behind the module's own, so that those
 * stay as they are.
 */
export class Layout {
  readonly fuel: number;
  readonly memoryLimit: number;
  readonly memoryGranted: number;
  readonly pages: number;
  /** All globals added, in order: mutable ones of type i32, exported as `capsule_` and their name. */
  readonly globals: { readonly name: string; readonly initial: number }[] = [];
  /** The memory with a mark for each page that is written, if there is to be one. */
  readonly map: MarkMemory | undefined;
  /** The private table of one slot that the host puts the gate into. */
  readonly gateTable: number;
  readonly yieldFunction: number;
  /** Asks the gate if the fuel is used up. */
  readonly check: Check;
  /** Charges the number that is written, as an `i32.const` has it, between the two parts. */
  readonly charge: { readonly head: Code; readonly tail: Code };
  readonly types: FunctionType[];
  /** Functions added, in order. */
  readonly functions: { readonly type: number; readonly body: Code }[] = [];
  private readonly firstFunction: number;
  private readonly firstGlobal: number;
  private readonly byKey = new Map<string, number>();

  constructor(module: Module, yieldBody: (layout: Layout) => Code, map?: MarkMemory) {
    this.firstGlobal = module.globals.length;
    this.fuel = this.addGlobal("fuel", 0);
    this.memoryLimit = this.addGlobal("memory_limit", MAX_PAGES);
    this.memoryGranted = this.addGlobal("memory_granted", MAX_PAGES);
    this.pages = this.addGlobal("pages", module.memory?.minimum ?? 0);
    this.map = map;
    this.gateTable = module.tables.length;
    this.types = [...module.types];
    this.firstFunction = module.functions.length;
    this.yieldFunction = this.addFunction("yield", { params: [], results: [] }, () => yieldBody(this));
    const fuel = globalGet(this.fuel);
    this.check = { condition: [...fuel, ...i32(0), ...i32LtS], refill: ifThen(call(this.yieldFunction)) };
    this.charge = { head: [...fuel, Op.i32Const], tail: [...i32Sub, ...globalSet(this.fuel)] };
  }

  /** The index of a type of this shape. */
  type(wanted: FunctionType): number {
    const same = (a: readonly number[], b: readonly number[]) =>
      a.length === b.length && a.every((t, i) => t === b[i]);
    const found = this.types.findIndex(
      ({ params, results }) => same(params, wanted.params) && same(results, wanted.results),
    );
    if (found >= 0) return found;
    return this.types.push(wanted) - 1;
  }

  /** Adds a global, and gives its index. */
  addGlobal(name: string, initial: number): number {
    return this.firstGlobal + this.globals.push({ name, initial }) - 1;
  }

  /** The index of the added function called `key`, which `body` makes when it is first asked for. */
  addFunction(key: string, type: FunctionType, body: () => Code): number {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const slot = this.functions.push({ type: this.type(type), body: [] }) - 1;
    this.byKey.set(key, this.firstFunction + slot);
    this.functions[slot] = { type: this.type(type), body: body() };
    return this.firstFunction + slot;
  }

  /** Charges what `units` pushes, then checks. Uses the local `scratch`. */
  chargedCheck(units: Code, scratch: number): Check {
    const charge = [
      ...globalGet(this.fuel),
      ...units,
      ...i32Sub,
      ...localTee(scratch),
      ...globalSet(this.fuel),
    ];
    const condition = [...charge, ...localGet(scratch), ...i32(0), ...i32LtS];
    return { condition, refill: ifThen(call(this.yieldFunction)) };
  }

  chargeAndCheck(units: Code, scratch: number): Code {
    const { condition, refill } = this.chargedCheck(units, scratch);
    return [...condition, ...refill];
  }
}

/** A check of the fuel in its two parts: the `if` between them is never likely. */
export interface Check {
  readonly condition: Code;
  readonly refill: Code;
}

/** A module's bytes may not hold more than V8 takes in a function body. */
export const MAX_BODY_SIZE = 7_654_321;

export function checkBodySize(size: number, offset: number): void {
  if (size > MAX_BODY_SIZE) throw new WasmError("function too large after rewriting", offset);
}

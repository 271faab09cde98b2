import { WasmError } from "../errors.ts";
import type { Instruction } from "../instruction.ts";
import { CONSTANT, type Definition } from "./values.ts";

/** A value on the operand stack, as far as it matters to addresses. */
export interface Value {
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

/** The operand stack. */
export class Operands {
  /** How many values the innermost open block finds there and may not take. */
  floor = 0;
  private readonly values: Value[] = [];

  get height(): number {
    return this.values.length;
  }

  /** The values from a height on. */
  above(height: number): readonly Value[] {
    return this.values.slice(height);
  }

  /** The value that is the `depth`-th from the top; 1 is the topmost. */
  peek(depth: number): Value | undefined {
    return this.values[this.values.length - depth];
  }

  pop({ start }: Instruction): Value {
    if (this.values.length <= this.floor) throw new WasmError("not enough operands", start);
    return this.values.pop() as Value;
  }

  drop(count: number, instruction: Instruction): void {
    for (let n = 0; n < count; n++) this.pop(instruction);
  }

  /** Takes the stack down to a height, and puts values on top. */
  reset(height: number, values: readonly Value[] = []): void {
    this.values.length = height;
    for (const value of values) this.values.push(value);
  }

  /** Forgets what is known of the values from a height on. */
  forget(height: number): void {
    this.values.fill(UNKNOWN, height);
  }

  push(value: Value): void {
    this.values.push(value);
  }

  constant(offset: number, at: number, block: number): void {
    this.values.push({ kind: "constant", definition: undefined, offset, at, block });
  }

  local(definition: Definition, at: number, block: number): void {
    if (definition.root === CONSTANT) this.constant(definition.offset, at, block);
    else this.values.push({ kind: "local", definition, offset: 0, at, block });
  }

  /** Results of an instruction. Only the topmost can be taken where it is made. */
  computed(count: number, at: number, block: number): void {
    for (let n = 1; n < count; n++) this.values.push(UNKNOWN);
    if (count > 0) this.values.push({ kind: "computed", definition: undefined, offset: 0, at, block });
  }
}

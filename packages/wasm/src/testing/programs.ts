import { wat } from "./wat.ts";

/** A random module that ends: an exported `f` of an i32 to an i32, a `memory` and a stack pointer `sp`. */
export interface Program {
  readonly wasm: Uint8Array;
  /** Whether exceptions are thrown. */
  readonly throws: boolean;
}

/** Makes the same program for the same seed. */
export function randomProgram(seed: number): Program {
  const generator = new Generator(seed);
  const text = generator.module();
  return { wasm: wat(text), throws: generator.throws };
}

const FUNCTIONS = 6;

/** How deep functions may be nested in each other: the first parameter counts down. */
const DEPTH = "(local.get 0)";

class Generator {
  throws = false;
  private state: number;
  private readonly withExceptions: boolean;
  private readonly withVectors: boolean;
  private labels: string[] = [];
  private nextLabel = 0;
  private loops = 0;
  private nesting = 0;

  constructor(seed: number) {
    this.state = Math.imul(seed, 0x9e3779b1) >>> 0;
    this.withExceptions = seed % 3 === 0;
    this.withVectors = seed % 4 === 1;
  }

  module(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, i) => this.function(i));
    return `(module
      (type $t (func (param i32) (result i32)))
      (tag $e (param i32))
      (memory (export "memory") 1)
      (global $sp (export "sp") (mut i32) (i32.const 60000))
      (global $budget (mut i32) (i32.const 3000))
      (table funcref (elem ${functions.map((_, i) => `$f${i}`).join(" ")}))
      ${functions.join("\n")}
      (func $pair (param i32) (result i32 i32) (drop (call $f1 (i32.const 0))) (if (local.get 0) (then (return (i32.const 1) (local.get 0))))
        (local.get 0) (i32.const 2))
      (func (export "f") (param i32) (result i32) (call $f0 (local.get 0))))`;
  }

  /** Below `limit`. */
  private random(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  private pick<T>(...choices: (() => T)[]): T {
    return (choices[this.random(choices.length)] as () => T)();
  }

  /** Every function spends from a budget, so that programs end; a call below depth 0 returns at once. */
  private function(i: number): string {
    this.labels = [];
    this.loops = 0;
    this.nesting = 0;
    const guard = `(if (i32.or (i32.lt_s ${DEPTH} (i32.const 0)) (i32.lt_s (global.get $budget) (i32.const 0)))
      (then (return (i32.const ${i}))))
      (global.set $budget (i32.sub (global.get $budget) (i32.const 1)))`;
    const body = this.statements(6);
    const result =
      this.random(5) === 0 ? `(return_call $f${this.random(FUNCTIONS)} ${this.lower()})` : this.value(2);
    return `(func $f${i} (type $t) (local $x i32) (local $y i32) (local $z f64)
      (local $n0 i32) (local $n1 i32) (local $n2 i32) (local $n3 i32) ${this.withVectors ? "(local $v v128)" : ""} ${guard} ${body} ${result})`;
  }

  private statements(most: number): string {
    const count = 1 + this.random(most);
    return Array.from({ length: count }, () => this.statement()).join("\n");
  }

  private statement(): string {
    if (this.nesting > 5) return this.simple();
    this.nesting++;
    const text = this.pick(
      () => this.simple(),
      () => this.simple(),
      () => this.simple(),
      () => this.block(),
      () => this.if(),
      () => this.loop(),
      () => this.branch(),
      () => this.switch(),
      () => this.dispatch(),
      () => (this.withExceptions ? this.try() : this.simple()),
    );
    this.nesting--;
    return text;
  }

  private simple(): string {
    if (this.withVectors && this.random(3) === 0) return this.vector();
    return this.pick(
      () => `(local.set $x ${this.value(3)})`,
      () => `(local.set $y ${this.value(3)})`,
      () => `(local.set $z (f64.div (local.get $z) (f64.convert_i32_s ${this.value(1)})))`,
      () => `(i32.store (i32.and ${this.value(1)} (i32.const 1023)) ${this.value(2)})`,
      () => `(f64.store (i32.const ${this.random(1000)}) (f64.abs (f64.sqrt (local.get $z))))`,
      () =>
        `(memory.fill (i32.const ${2000 + this.random(500)}) ${this.value(1)} (i32.const ${this.random(300)}))`,
      () => `(memory.copy (i32.const ${this.random(4000)}) (i32.const 2000) (i32.const ${this.random(300)}))`,
      () => `(call $pair ${this.value(1)}) (local.set $x) (local.set $y)`,
      () => "nop",
    );
  }

  /** Statements with 128-bit vectors. What is stored of floats is made positive: plain NaNs have a sign. */
  private vector(): string {
    const lane = () => this.random(2);
    return this.pick(
      () => `(local.set $v (i32x4.add (local.get $v) (i32x4.splat ${this.value(1)})))`,
      () => `(local.set $v (v128.load (i32.and ${this.value(1)} (i32.const 1023))))`,
      () =>
        `(v128.store (i32.and ${this.value(1)} (i32.const 1023)) (i8x16.shl (local.get $v) (i32.const 3)))`,
      () => `(local.set $v (v128.load32_lane ${lane()} (i32.const ${this.random(500)}) (local.get $v)))`,
      () => `(local.set $v (i8x16.shuffle ${Array.from({ length: 16 }, () => this.random(32)).join(" ")} (local.get $v)
        (v128.const i32x4 1 2 3 ${this.random(9)})))`,
      () =>
        `(local.set $x (i32x4.extract_lane ${lane()} (v128.xor (local.get $v) (i8x16.swizzle (local.get $v) (local.get $v)))))`,
      () => `(v128.store (i32.const ${this.random(1000)}) (f64x2.abs (f64x2.div (f64x2.splat (f64.convert_i32_s ${this.value(1)}))
        (f64x2.splat (f64.convert_i32_s ${this.value(1)})))))`,
      () =>
        `(local.set $y (i32x4.extract_lane 0 (i32x4.trunc_sat_f32x4_s (f32x4.sqrt (f32x4.convert_i32x4_s (local.get $v))))))`,
      () =>
        `(if (v128.any_true (f64x2.lt (f64x2.convert_low_i32x4_s (local.get $v)) (f64x2.splat (local.get $z)))) (then ${this.simple()}))`,
    );
  }

  private value(depth: number): string {
    if (depth === 0) return this.leaf();
    const inner = () => this.value(depth - 1);
    return this.pick(
      () => this.leaf(),
      () => this.leaf(),
      () => `(i32.add ${inner()} ${inner()})`,
      () => `(i32.xor ${inner()} ${inner()})`,
      () => `(select ${inner()} ${inner()} ${inner()})`,
      () => `(i32.load8_u (i32.and ${inner()} (i32.const 4095)))`,
      () => `(i32.trunc_sat_f64_s (f64.mul (local.get $z) (f64.const 1.5)))`,
      () => `(call $f${this.random(FUNCTIONS)} ${this.lower()})`,
      () => `(call_indirect (type $t) ${this.lower()} (i32.const ${this.random(FUNCTIONS)}))`,
      () => `(if (result i32) ${inner()} (then ${inner()}) (else ${inner()}))`,
      () => `(block (result i32) (br_if 0 ${inner()} ${inner()}))`,
      () => "(memory.size)",
    );
  }

  private leaf(): string {
    return this.pick(
      () => "(local.get $x)",
      () => "(local.get $y)",
      () => DEPTH,
      () => `(i32.const ${this.random(20)})`,
    );
  }

  private lower(): string {
    return `(i32.sub ${DEPTH} (i32.const ${1 + this.random(2)}))`;
  }

  private labelled(body: (label: string) => string): string {
    const label = `$l${this.nextLabel++}`;
    this.labels.push(label);
    const text = body(label);
    this.labels.pop();
    return text;
  }

  private block(): string {
    return this.labelled((label) => `(block ${label} ${this.statements(4)})`);
  }

  private if(): string {
    const condition = this.value(2);
    const otherwise = this.random(2) ? `(else ${this.statements(3)})` : "";
    return this.labelled((label) => `(if ${label} ${condition} (then ${this.statements(3)}) ${otherwise})`);
  }

  /** Goes round a few times by a counter of its own; inner branches may also leave or restart it. */
  private loop(): string {
    if (this.loops === 4) return this.simple();
    const counter = `$n${this.loops++}`;
    const step = `(local.set ${counter} (i32.add (local.get ${counter}) (i32.const 1)))`;
    const more = `(i32.lt_s (local.get ${counter}) (i32.const ${2 + this.random(6)}))`;
    const label = `$l${this.nextLabel++}`;
    // Restarting the loop counts, too; the counter is never set back, so that it ends.
    const again = this.random(2) ? `(br_if ${label} ${more})` : `(if ${more} (then (br ${label})))`;
    const early = this.random(2) ? `(br_if ${label} (i32.and ${more} ${this.value(1)}))` : "";
    const third = this.random(3) === 0 ? `(br_if ${label} (i32.and ${more} ${this.value(1)}))` : "";
    const outer = this.labels;
    const text = `(loop ${label} ${step} ${early} ${this.statements(3)} ${third} ${again})`;
    this.labels = outer;
    return text;
  }

  private branch(): string {
    const target = this.labels[this.random(this.labels.length + 1)];
    if (target === undefined)
      return this.random(4) ? this.simple() : `(if ${this.value(1)} (then (return ${this.leaf()})))`;
    return this.random(3) ? `(br_if ${target} ${this.value(2)})` : `(br ${target})`;
  }

  private switch(): string {
    const index = this.value(2);
    return this.labelled((outer) => {
      const table = this.labelled((inner) => {
        const label = () => this.labels[this.random(this.labels.length)] ?? outer;
        const targets = Array.from({ length: 1 + this.random(4) }, label);
        return `(block ${inner} (br_table ${targets.join(" ")} ${outer} (i32.and ${index} (i32.const 7))))`;
      });
      return `(block ${outer} ${table} ${this.statements(2)})`;
    });
  }

  /** An interpreter's loop, with so many handlers that it pays and checks at them. */
  private dispatch(): string {
    if (this.loops === 4) return this.simple();
    const counter = `$n${this.loops++}`;
    const [exit, loop] = [`$l${this.nextLabel++}`, `$l${this.nextLabel++}`];
    const handlers = Array.from({ length: 12 + this.random(8) }, () => `$l${this.nextLabel++}`);
    const step = `(local.set ${counter} (i32.add (local.get ${counter}) (i32.const 1)))`;
    const opcode = `(i32.and (i32.mul (local.get ${counter}) (i32.const ${1 + 2 * this.random(8)})) (i32.const 15))`;
    const stop = `(br_if ${exit} (i32.gt_s (local.get ${counter}) (i32.const ${3 + this.random(20)})))`;
    let text = `${step} (br_table ${handlers.join(" ")} ${exit} ${opcode})`;
    for (const handler of handlers) {
      text = `(block ${handler} ${text})\n${stop} ${this.simple()}`;
      if (this.random(3)) text += this.random(2) ? `(br ${loop})` : `(br_if ${loop} ${this.value(1)})`;
      if (this.random(8) === 0) text += ` ${this.statement()}`;
    }
    return `(block ${exit} (loop ${loop} ${text}))`;
  }

  private try(): string {
    this.throws = true;
    return this.pick(
      () => `(try (do ${this.statements(3)} (throw $e ${this.value(1)})) (catch $e (local.set $x)))`,
      () =>
        `(try (do ${this.statements(3)}) (catch $e drop ${this.statements(2)}) (catch_all ${this.statements(2)}))`,
      () => `(try (do (try (do ${this.statements(2)}) (delegate 0))) (catch_all ${this.statements(1)}))`,
      () =>
        `(try (do (try (do (throw $e (i32.const 1))) (catch_all (rethrow 0)))) (catch $e (local.set $y)))`,
      () => `(if ${this.value(1)} (then (throw $e ${this.value(1)})))`,
    );
  }
}

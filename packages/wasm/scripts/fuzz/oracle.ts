import { createHash } from "node:crypto";
import { decodeBody } from "../../src/body.ts";
import { GATE, type RewriteOptions, rewrite, WasmError } from "../../src/index.ts";
import { nanType, Op, simdNanType } from "../../src/opcodes.ts";
import { decodeModule, type Module } from "../../src/sections.ts";
import type { CapsuleExports } from "../../src/testing/guest.ts";
import { unmarkedBytes } from "../../src/testing/unmarked.ts";
import { type Exposed, exposed, STACK_POINTER } from "./edit.ts";
import { type Call, type Instance, instantiate, type Plan, type Run, run } from "./execute.ts";
import { PLAIN_FUEL, plainly } from "./plain.ts";
import { type Variant, variantsOf } from "./variants.ts";

/** What is wrong, by what it shows. */
export interface Failure {
  readonly oracle:
    | "crash"
    | "refuses"
    | "invalid"
    | "accepts"
    | "unstable"
    | "results"
    | "fuel"
    | "slices"
    | "marks";
  readonly detail: string;
}

/** What a module came to. */
export interface Verdict {
  readonly failures: readonly Failure[];
  /**
   * `refused` by the rewriter, `invalid` for V8 before and after, `rewritten` but not run, or `ran`.
   */
  readonly end: "refused" | "invalid" | "rewritten" | "ran";
  /** The message of what refused it. */
  readonly why?: string;
  /** Runs that were compared, and calls in them. */
  readonly runs: number;
  readonly calls: number;
  /** Whether bits of NaNs differ between the original and the rewritten one. */
  readonly nans: boolean;
  /** Whether it was ended for want of fuel. */
  readonly ended: boolean;
  /** What all the rewritten variants showed: the same in every tier. Empty if the stack overflowed. */
  readonly digest: string;
}

/** Units that a module may use in all. */
const BUDGET = 400_000;
/** Pages of memory that it may have. */
const PAGES = 40;
/** Larger modules are rewritten, but not run. */
const LARGEST_RUN = 100_000;
/** Slices into which a run is cut at most. */
const MOST_SLICES = 2000;
/** Exports that are called. */
const MAX_CALLS = 16;

/** Puts a module to the test. Throws nothing that has to do with the module. */
export function examine(wasm: Uint8Array, seed: number): Verdict {
  const nothing = { failures: [], runs: 0, calls: 0, nans: false, ended: false, digest: "" };
  const valid = WebAssembly.validate(wasm as BufferSource);
  const rewritten = attempt(wasm);
  if (rewritten.kind === "crash") return { ...nothing, failures: [rewritten.failure], end: "refused" };
  if (rewritten.kind === "refused") {
    const { message } = rewritten;
    const failures: Failure[] =
      valid && !isAllowedRefusal(message)
        ? [{ oracle: "refuses", detail: `a valid module: ${message}` }]
        : [];
    return { ...nothing, failures, end: "refused", why: message };
  }
  // The other passes see what is wrong later than these, or not at all.
  const marked = attempt(wasm, { markPages: true, straightLimit: 4096, dropNames: true });
  if (marked.kind === "crash") return { ...nothing, failures: [marked.failure], end: "rewritten" };
  const failures: Failure[] = [];
  if (valid && marked.kind === "refused")
    failures.push({ oracle: "refuses", detail: `a valid module, with marks: ${marked.message}` });
  for (const output of marked.kind === "rewritten" ? [rewritten.wasm, marked.wasm] : [rewritten.wasm]) {
    const still = WebAssembly.validate(output as BufferSource);
    if (valid && !still) failures.push({ oracle: "invalid", detail: invalidity(output) });
    if (!valid && still) failures.push({ oracle: "accepts", detail: "an invalid module became a valid one" });
  }
  if (!valid || failures.length > 0) return { ...nothing, failures, end: valid ? "rewritten" : "invalid" };
  const again = attempt(wasm);
  if (again.kind !== "rewritten" || Buffer.compare(again.wasm, rewritten.wasm) !== 0)
    return {
      ...nothing,
      failures: [{ oracle: "unstable", detail: "another output for the same input" }],
      end: "rewritten",
    };
  const shown = wasm.length > LARGEST_RUN ? undefined : exposed(wasm, PAGES);
  if (shown === undefined) return { ...nothing, end: "rewritten" };
  return compare(shown, seed);
}

type Attempt =
  | { readonly kind: "rewritten"; readonly wasm: Uint8Array }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "crash"; readonly failure: Failure };

function attempt(wasm: Uint8Array, options: Partial<RewriteOptions> = {}): Attempt {
  try {
    const keepExports = decodeModule(wasm).exports.map(({ name }) => name);
    return { kind: "rewritten", wasm: rewrite(wasm, { ...options, keepExports }).wasm };
  } catch (error) {
    if (error instanceof WasmError && Number.isSafeInteger(error.offset) && error.offset >= 0)
      return { kind: "refused", message: error.message };
    return { kind: "crash", failure: { oracle: "crash", detail: stackOf(error) } };
  }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Refusals of valid modules: what the rewriter does not support, and its own names. */
const isAllowedRefusal = (message: string): boolean =>
  /unsupported WebAssembly feature|more than \d+ locals|reserved name|too large after rewriting/.test(
    message,
  );

function invalidity(wasm: Uint8Array): string {
  try {
    new WebAssembly.Module(wasm as BufferSource);
    return "valid after all";
  } catch (error) {
    return String(error);
  }
}

/** A run of a rewritten variant, or why there is none. */
type VariantRun = { readonly run: Run; readonly failures: readonly Failure[]; readonly cutCalled: boolean };

function compare({ wasm, state, functions: all }: Exposed, seed: number): Verdict {
  const failures: Failure[] = [];
  const module = decodeModule(wasm);
  let plan: Plan = { functions: all.slice(0, MAX_CALLS), state, seed };
  const before = startPlain(wasm, plan);
  if (before === undefined)
    return { failures, end: "rewritten", runs: 0, calls: 0, nans: false, ended: false, digest: "" };
  let reference = before;
  const ended = reference.stopped === "exhausted";
  const variants = variantsOf(wasm, seed, module.functions.length);
  // It may go on longer than the plain one, but not without end: the limit of time is what tells.
  if (ended) runVariant(wasm, plan, variants[0] as Variant);
  if (reference.stopped) {
    plan = { ...plan, functions: plan.functions.slice(0, reference.calls.length) };
    reference = startPlain(wasm, plan) ?? reference;
  }
  const original = startOriginal(wasm, plan);
  const facts = factsOf(module);
  const difference = original && firstDifference(reference, original, state, { fuel: "ignored" });
  const nans = difference !== undefined && facts.floats;
  if (difference !== undefined && !facts.floats)
    failures.push({ oracle: "results", detail: `original: ${difference}` });
  const seen: unknown[] = [];
  let overflow = reference.stopped === "overflow";
  let first: Run | undefined;
  // Asking the gate costs more than running.
  const least = Math.ceil((reference.calls.at(-1)?.fuel ?? 0) / MOST_SLICES);
  for (const any of variants) {
    const variant = { ...any, slice: Math.max(any.slice, least) };
    let result: VariantRun;
    try {
      result = runVariant(wasm, plan, variant);
    } catch (error) {
      if (error instanceof WasmError && variant.options.dropData && error.message.includes("passive"))
        continue;
      failures.push({
        oracle: error instanceof WebAssembly.CompileError ? "invalid" : "crash",
        detail: `${variant.name}: ${stackOf(error)}`,
      });
      continue;
    }
    failures.push(...result.failures);
    seen.push(result.run);
    overflow ||= result.run.stopped === "overflow";
    const keys =
      variant.options.stackPointer && leaks(reference.calls, facts)
        ? state.filter((key) => key !== STACK_POINTER)
        : state;
    const fuel = leaks(reference.calls, facts) ? "at least" : "exact";
    const found = firstDifference(reference, result.run, variant.cuts ? [] : keys, { fuel });
    if (found !== undefined && !(variant.cuts && (result.cutCalled || module.tables.length > 0)))
      failures.push({
        oracle: found.startsWith("fuel") ? "fuel" : "results",
        detail: `${variant.name}: ${found}`,
      });
    if (variant.name === "plain") first = result.run;
    const bySlice =
      variant.name === "plain, other slices" &&
      first &&
      firstDifference(first, result.run, state, { fuel: "exact" });
    if (bySlice) failures.push({ oracle: "slices", detail: `slices of ${variant.slice}: ${bySlice}` });
  }
  const digest = overflow ? "" : createHash("sha1").update(JSON.stringify(seen)).digest("hex");
  return {
    failures,
    end: "ran",
    runs: seen.length,
    calls: seen.length * reference.calls.length,
    nans,
    ended,
    digest,
  };
}

/** `undefined` if it can't be instantiated: a segment is out of bounds, an import has no value. */
function startPlain(wasm: Uint8Array, plan: Plan): Run | undefined {
  const instance = tryInstance(plainly(wasm, BUDGET), wasm, plan);
  if (instance === undefined) return undefined;
  const fuel = instance.exports[PLAIN_FUEL] as WebAssembly.Global<"i32">;
  instance.host.exhausted = () => fuel.value > BUDGET;
  return run(instance, wasm, plan, () => fuel.value);
}

function startOriginal(wasm: Uint8Array, plan: Plan): Run | undefined {
  const instance = tryInstance(wasm, wasm, plan);
  return instance && run(instance, wasm, plan, () => 0);
}

function tryInstance(wasm: Uint8Array, original: Uint8Array, plan: Plan): Instance | undefined {
  try {
    return instantiate(wasm, original, plan);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw error;
    return undefined;
  }
}

function runVariant(wasm: Uint8Array, plan: Plan, variant: Variant): VariantRun {
  const keepExports = decodeModule(wasm).exports.map(({ name }) => name);
  const output = rewrite(wasm, { ...variant.options, keepExports }).wasm;
  const instance = instantiate(output, wasm, plan);
  const exports = instance.exports as unknown as CapsuleExports;
  const memory = exports["fuzz:2-0"] as WebAssembly.Memory | undefined;
  if (variant.options.dropData && memory) new Uint8Array(memory.buffer).set(initialMemory(wasm, plan));
  const before = variant.grain && memory ? new Uint8Array(memory.buffer).slice() : undefined;
  const { slice } = variant;
  // What exceptions leave paid may come on top.
  const limit = 4 * BUDGET;
  let granted = slice;
  let empty = false;
  exports.capsule_fuel.value = slice;
  openGate(exports, () => {
    empty ||= granted >= limit;
    if (empty) return 1;
    granted += slice;
    exports.capsule_fuel.value += slice;
    return 0;
  });
  exports.capsule_memory_limit.value = PAGES;
  instance.host.exhausted = () => empty;
  const result = run(instance, wasm, plan, () => granted - exports.capsule_fuel.value);
  const failures = before && variant.grain && memory ? unmarked(variant, before, memory, exports) : [];
  const cut = exports.capsule_cut as WebAssembly.Global<"i32"> | undefined;
  return { run: result, failures, cutCalled: cut !== undefined && cut.value !== -1 };
}

const gate = new WebAssembly.Module(GATE as BufferSource);

function openGate(exports: CapsuleExports, answer: () => number): void {
  exports.capsule_gate.set(0, new WebAssembly.Instance(gate, { capsule: { yield: answer } }).exports.gate);
}

function initialMemory(wasm: Uint8Array, plan: Plan): Uint8Array {
  const { exports } = instantiate(wasm, wasm, plan);
  return new Uint8Array((exports["fuzz:2-0"] as WebAssembly.Memory).buffer);
}

function unmarked(
  { name, grain }: Variant,
  before: Uint8Array,
  memory: WebAssembly.Memory,
  exports: CapsuleExports,
): Failure[] {
  const map = new Uint8Array((exports.capsule_dirty as WebAssembly.Memory).buffer);
  const found = grain ? unmarkedBytes(before, new Uint8Array(memory.buffer), map, grain) : [];
  if (found.length === 0) return [];
  return [
    {
      oracle: "marks",
      detail: `${name}: bytes ${found.slice(0, 3).join()} were written, but are not marked`,
    },
  ];
}

interface Facts {
  /** It computes floats, or is given some. */
  readonly floats: boolean;
  /** It throws or catches. */
  readonly throws: boolean;
}

function factsOf(module: Module): Facts {
  let floats = module.types.some(({ params, results }) =>
    [...params, ...results].some((type) => type === 0x7d || type === 0x7c),
  );
  let throws = module.tags > 0;
  for (const n of module.bodies.keys()) {
    for (const { opcode, immediate } of decodeBody(module, n).instructions) {
      floats ||=
        nanType(opcode) !== undefined || (opcode === Op.simd && simdNanType(immediate) !== undefined);
      throws ||= opcode === Op.try || opcode === Op.tryTable;
    }
  }
  return { floats, throws };
}

/** Whether something was left that had been paid for in advance. */
const leaks = (calls: readonly Call[], { throws }: Facts): boolean =>
  throws || calls.some(({ returned, log }) => !returned || log.includes("-catch("));

/** What differs first between two runs. If one was stopped, what both did before that is compared. */
function firstDifference(
  expected: Run,
  actual: Run,
  state: readonly string[],
  { fuel }: { fuel: "exact" | "at least" | "ignored" },
): string | undefined {
  if (actual.stopped === "exhausted" && !expected.stopped) return "fuel: it was ended, the other was not";
  const common = Math.min(expected.calls.length, actual.calls.length);
  for (let i = 0; i < common; i++) {
    const [a, b] = [expected.calls[i] as Call, actual.calls[i] as Call];
    if (a.outcome !== b.outcome) return `${a.name} gave ${b.outcome} instead of ${a.outcome}`;
    if (a.log !== b.log) return `${a.name} asked ${excerpt(b.log, a.log)}`;
    if (fuel === "exact" && a.fuel !== b.fuel)
      return `fuel after ${a.name} is ${b.fuel} instead of ${a.fuel}`;
    if (fuel === "at least" && b.fuel < a.fuel)
      return `fuel after ${a.name} is ${b.fuel}, less than ${a.fuel}`;
  }
  if (expected.stopped || actual.stopped) return undefined;
  for (const key of state)
    if (expected.state[key] !== actual.state[key])
      return `${key} is ${excerpt(actual.state[key] ?? "", expected.state[key] ?? "")}`;
  return undefined;
}

/** Two long texts from where they differ. */
function excerpt(actual: string, expected: string): string {
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  const from = Math.max(0, at - 40);
  return `…${actual.slice(from, at + 60)} instead of …${expected.slice(from, at + 60)}`;
}

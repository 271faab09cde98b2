import type { Code } from "./assemble.ts";
import { Writer } from "./binary.ts";
import { type Body, decodeBody } from "./body.ts";
import { type CallGraph, cutCallCycles, readCallGraph, recursiveFunctions } from "./callgraph.ts";
import { type Callees, NEVER, newCallees, placeChecks } from "./checks.ts";
import { type Cut, cutBody, cutFunctions, NOTHING_CUT } from "./cut.ts";
import { type Counts, emitBody, type Hint } from "./emit.ts";
import { WasmError } from "./errors.ts";
import { findFrame } from "./frame.ts";
import { yieldBody } from "./gate.ts";
import { InstructionPool } from "./instruction.ts";
import { checkBodySize, Layout } from "./layout.ts";
import { findLockWait, type LockWait, type LockWaitIndices, lockWaitBody } from "./lock-wait.ts";
import { demandsOf } from "./mark/demands.ts";
import { type Grain, HOST_GRAIN, type MarkMemory } from "./mark/grain.ts";
import type { Demands } from "./mark/needs.ts";
import { planMarks } from "./mark/plan.ts";
import { type AddedExport, checkExportNames, keptExports, namedExports, writeModule } from "./module.ts";
import { indicesOf, type Names, readNames } from "./names.ts";
import { DEFAULT_PADDING, type Padding, paddingBytes } from "./pad.ts";
import { placeCharges } from "./potentials.ts";
import { BranchCounters, type BranchProfile, type BranchSite, type Habits, habitsOf } from "./profile.ts";
import { decodeModule, ExternKind, type Module } from "./sections.ts";

export interface RewriteOptions {
  /** The exports that stay, besides those that the rewriter adds. One that does not exist is an error. */
  readonly keepExports: readonly string[];
  /**
   * Functions to export by what the name section calls them, under that name. It is an error if one is missing or
   * the name stands for several.
   */
  readonly exportFunctions?: readonly string[];
  /**
   * Chooses functions to cut: their bodies go, everything keeps its index, and whoever calls one traps after its
   * index was left in `capsule_cut`. Slots of tables that held one may become null: an indirect call through these
   * traps, and leaves nothing.
   */
  readonly cut?: Cut;
  /**
   * Functions of wasi-libc for which a wait for a lock is made to end: it sleeps up to its time limit, and without one
   * traps with `capsule_deadlock` set, as there are no threads.
   */
  readonly lockWait?: LockWait;
  /** Leaves out the name section. Default false. */
  readonly dropNames?: boolean;
  /** Leaves out the data segments: the memory's content comes from a snapshot. Default false. */
  readonly dropData?: boolean;
  /**
   * The global that is the shadow stack's pointer, by its export, which need not be kept, or else by its name in the
   * name section. Turns padding on.
   */
  readonly stackPointer?: string;
  /**
   * Marks the pages of memory that the guest writes in a memory of their own, which the guest cannot reach:
   * `capsule_dirty`. Default false. A grain other than the usual one is for tests.
   */
  readonly markPages?: boolean | Grain;
  /** How much is padded. Only functions that may be active several times at once are, and those that call. */
  readonly padding?: Padding;
  /** Usual directions of branches, made from this module. */
  readonly profile?: BranchProfile;
  /** SHA-256 in hexadecimal, to compare with the profile's: a platform's own is faster than the one here. */
  readonly digest?: (bytes: Uint8Array) => string;
  /** The most units of fuel between two checks; at least 4,096. Default 100,000. */
  readonly straightLimit?: number;
}

export interface RewriteReport {
  /** Functions the module defines, and their instructions. */
  readonly functions: number;
  readonly instructions: number;
  /** Places where fuel is charged, and where it is checked. */
  readonly charges: number;
  readonly checks: number;
  /** Functions that are cut. */
  readonly cut: number;
  /** Functions that are padded. */
  readonly padded: number;
  /** Places where a NaN is made canonical. */
  readonly canonicalised: number;
  /** Places that write to memory, and marks. */
  readonly stores: number;
  readonly marks: number;
  /** The most units between two checks, bulk operations apart, which check every mebibyte. */
  readonly longestStraightPath: number;
  /** Types (`i32`, …) of `capsule_global_0`, `capsule_global_1`, …: the module's mutable globals in order. */
  readonly globals: readonly string[];
}

/**
 * Makes a module safe to run for others: metered by fuel, preemptible, bounded in memory and the same in
 * every tier of V8.
 *
 * Fuel is the number of executed instructions; those that only give structure (`block`, `loop`, `else`,
 * `end`, `nop`, …) are free. Bulk memory operations add 1 for 16 bytes, growing memory 4,096 a page, table
 * operations 64 an element; throwing costs 1,000. A call by the host costs what a call by the guest does, without the `call`
 * instruction. Parts of the path ahead are charged in advance, and an exception leaves them charged.
 *
 * The rewritten module exports in addition:
 * - `capsule_fuel`, a mutable i32 that counts down. It starts at 0. When it is negative at a check, the gate is
 *   called until it is not. What a guest used is what the host put in, minus what is left. To keep it from
 *   wrapping around, grant at most 2^30 at a time.
 * - `capsule_gate`, a table of one slot, private to the inserted code: the host puts the gate there
 *   (see `GATE`).
 * - `capsule_memory_limit`, a mutable i32: the pages up to which memory may grow. It starts at 65,536.
 * - `capsule_memory_granted`, a mutable i32: when memory has grown to more pages, the gate is called at once, whatever fuel
 *   is left. It starts at 65,536: never.
 * - `capsule_pages`, a mutable i32: the size of memory in pages as the guest sees it. Memory never shrinks; a
 *   host that resets an instance sets this back and fills what is behind with zeros.
 * - `capsule_cut`, if functions are cut: a mutable i32, the index of the cut function that was called last, or -1.
 * - `capsule_deadlock`, with `lockWait`: a mutable i32, 1 after a wait that could not end.
 * - `capsule_dirty`, with `markPages`: a memory with a byte for each page of 4 KiB, which is not 0 if the guest may
 *   have written there; see host/marks.ts.
 * - `capsule_global_0`, …: the module's mutable globals, so that a host can save and restore them.
 *
 * Equal input gives equal bytes.
 *
 * @throws {WasmError} if the module is malformed, uses an unsupported feature, lacks an export that is to be
 * kept, or the profile is not its own.
 */
export function rewrite(
  wasm: Uint8Array,
  options: RewriteOptions,
): { wasm: Uint8Array; report: RewriteReport } {
  const { bytes, report } = new Rewriter(wasm, options, false).run();
  return { wasm: bytes, report };
}

/**
 * The same module as `rewrite` makes, but one that also counts in the exported memory `capsule_counters` how
 * often each branch is reached and falls through. See `profileFrom`.
 */
export function instrument(
  wasm: Uint8Array,
  options: Omit<RewriteOptions, "profile">,
): { wasm: Uint8Array; sites: readonly BranchSite[] } {
  const { bytes, sites } = new Rewriter(wasm, options, true).run();
  return { wasm: bytes, sites };
}

const DEFAULT_STRAIGHT_LIMIT = 100_000;
const MIN_STRAIGHT_LIMIT = 4096;

/** A function whose assumed path costs more charges itself: paid by callers, too much is lost in a throw. */
const MAX_PREPAID = 1000;

class Rewriter {
  private readonly module: Module;
  private readonly options: RewriteOptions;
  private readonly habits: Habits;
  private readonly straightLimit: number;
  private readonly counters: BranchCounters | undefined;
  private readonly stackPointer: number | undefined;
  private readonly callees: Callees;
  private readonly pool = new InstructionPool();
  private readonly names: Names;
  private readonly cut: ReadonlySet<number>;
  private readonly lockWait: LockWaitIndices | undefined;
  /** What callers mark for each function. */
  private readonly demands: Demands = new Map();
  /** Functions that charge their assumed path themselves. */
  private readonly chargesItself = new Set<number>();
  private longest = 0;

  constructor(wasm: Uint8Array, options: RewriteOptions, counting: boolean) {
    this.options = options;
    this.straightLimit = options.straightLimit ?? DEFAULT_STRAIGHT_LIMIT;
    if (!(this.straightLimit >= MIN_STRAIGHT_LIMIT)) {
      throw new RangeError(`straightLimit is at least ${MIN_STRAIGHT_LIMIT}`);
    }
    this.module = decodeModule(wasm);
    this.habits = habitsOf(options.profile, wasm, options.digest);
    this.counters = counting ? new BranchCounters(this.module.memory ? 1 : 0) : undefined;
    this.names = usesNames(this.module, options) ? readNames(this.module) : NO_NAMES;
    this.stackPointer = findStackPointer(this.module, this.names, options.stackPointer);
    this.cut = options.cut ? cutFunctions(this.module, this.names, options.cut) : new Set();
    this.lockWait = options.lockWait && findLockWait(this.module, this.names, options.lockWait);
    this.callees = newCallees(this.module.functions.length);
  }

  run(): { bytes: Uint8Array; report: RewriteReport; sites: readonly BranchSite[] } {
    const { module, counters, options } = this;
    const exports = [
      ...keptExports(module, options.keepExports),
      ...namedExports(this.names, options.exportFunctions ?? []),
    ];
    checkExportNames(module, exports);
    const layout = new Layout(module, yieldBody, this.markMemory);
    const replaced = this.replacedFunctions(layout);
    const graph = readCallGraph(module, calleesOf(replaced), this.pool);
    this.planFunctions(graph, replaced, exports, layout.map);
    const padded = this.paddedFunctions(graph);
    const counts: Counts = { charges: 0, checks: 0, canonicalised: 0, stores: 0, marks: 0 };
    const { code, hints } = this.emitFunctions(layout, replaced, padded, counts);
    const globals = mutableGlobals(module);
    const added = addedExports(layout, globals, counters);
    const bytes = writeModule(module, {
      layout,
      exports,
      added,
      code,
      hints,
      counters,
      dropData: options.dropData,
      dropNames: options.dropNames,
      cut: this.cut,
    });
    const report: RewriteReport = {
      functions: module.bodies.length,
      instructions: graph.sizes.reduce((sum, size) => sum + size, 0),
      ...counts,
      cut: this.cut.size,
      padded: padded.size,
      longestStraightPath: this.longest,
      globals: globals.map((index) => VALUE_TYPE_NAMES[module.globals[index]?.type ?? 0] ?? "?"),
    };
    return { bytes, report, sites: counters?.sites ?? [] };
  }

  /** Functions, numbered as the module defines them, that get bodies of ours. */
  private replacedFunctions(layout: Layout): Map<number, Replacement> {
    const { importedFunctions } = this.module;
    const replaced = new Map<number, Replacement>();
    if (this.options.cut) {
      const global = layout.addGlobal("cut", NOTHING_CUT);
      for (const n of this.cut) {
        replaced.set(n, { calls: [], body: () => cutBody(global, importedFunctions + n) });
      }
    }
    if (this.lockWait) {
      const { wait, sleep } = this.lockWait;
      const global = layout.addGlobal("deadlock", 0);
      const calls = [sleep - importedFunctions];
      replaced.set(wait - importedFunctions, { calls, body: () => lockWaitBody(global, sleep) });
    }
    return replaced;
  }

  private get markMemory(): MarkMemory | undefined {
    const { markPages } = this.options;
    if (!markPages || this.module.memory === undefined) return undefined;
    return { memory: this.counters ? 2 : 1, grain: markPages === true ? HOST_GRAIN : markPages };
  }

  /** Decides for every function what it charges and checks at its entry, and what its callers do. */
  private planFunctions(
    graph: CallGraph,
    replaced: ReadonlyMap<number, Replacement>,
    exports: readonly { kind: number; index: number }[],
    map: MarkMemory | undefined,
  ): void {
    const { importedFunctions } = this.module;
    const { cut, order } = cutCallCycles(graph);
    const reachable = new Set(graph.inTables);
    for (const { kind, index } of exports)
      if (kind === ExternKind.function) reachable.add(index - importedFunctions);
    // What is not metered itself gives nothing in advance, and leaves no long way to go on.
    const called = new Set(Array.from(replaced.values(), ({ calls }) => calls).flat());
    for (const callee of called) cut.add(callee);
    for (const n of replaced.keys()) this.callees.checkAfter[importedFunctions + n] = 1;
    for (const n of cut) {
      this.callees.entryCheck[importedFunctions + n] = 1;
      this.callees.checkAfter[importedFunctions + n] = 1;
    }
    for (const n of order) {
      if (cut.has(n) || reachable.has(n)) this.chargesItself.add(n);
      if (!replaced.has(n)) this.planFunction(n, reachable.has(n) || called.has(n) ? undefined : map);
    }
    for (const n of graph.inTables) {
      this.longest = Math.max(this.longest, 1 + (this.callees.toCheck[importedFunctions + n] as number));
    }
  }

  /** @param map what to mark in, if all callers are known and can do it */
  private planFunction(n: number, map: MarkMemory | undefined): void {
    const { callees } = this;
    const body = decodeBody(this.module, n, this.pool);
    const f = body.functionIndex;
    const paths = placeChecks(body, callees, this.straightLimit);
    const potential = placeCharges(body, callees, this.habits(n));
    this.longest = Math.max(this.longest, paths.longest);
    const share = this.straightLimit / 4;
    if (Math.max(paths.toCheck, paths.tail) > share) callees.entryCheck[f] = 1;
    const checked = callees.entryCheck[f] === 1;
    if (checked || paths.checkAfter) callees.checkAfter[f] = 1;
    callees.toCheck[f] = checked ? 0 : paths.toCheck;
    callees.toExit[f] = checked ? NEVER : paths.toExit;
    callees.tail[f] = checked ? Math.max(paths.tail, paths.toExit) : paths.tail;
    if (potential > MAX_PREPAID || potential < 0) this.chargesItself.add(n);
    callees.prepaid[f] = this.chargesItself.has(n) ? 0 : potential;
    if (map) this.demands.set(f, demandsOf(this.module, body, this.habits(n), map.grain, this.demands));
  }

  private paddedFunctions(graph: CallGraph): Set<number> {
    if (this.stackPointer === undefined) return new Set();
    return recursiveFunctions(this.module, graph);
  }

  private emitFunctions(
    layout: Layout,
    replaced: ReadonlyMap<number, Replacement>,
    padded: ReadonlySet<number>,
    counts: Counts,
  ): { code: Writer; hints: (readonly Hint[])[] } {
    const { bodies } = this.module;
    const code = new Writer(bodies.reduce((sum, { start, end }) => sum + end - start, 0) + (1 << 16));
    const hints: (readonly Hint[])[] = [];
    const body = new Writer(1 << 16);
    for (let n = 0; n < bodies.length; n++) {
      body.clear();
      const replacement = replaced.get(n);
      if (replacement) body.code(replacement.body());
      hints.push(replacement ? [] : this.emitFunction(body, n, layout, padded.has(n), counts));
      checkBodySize(body.length, bodies[n]?.start ?? 0);
      code.u32(body.length);
      code.bytes(body.view(0));
    }
    return { code, hints };
  }

  private emitFunction(
    out: Writer,
    n: number,
    layout: Layout,
    padded: boolean,
    counts: Counts,
  ): readonly Hint[] {
    const body: Body = decodeBody(this.module, n, this.pool);
    const habits = this.habits(n);
    placeChecks(body, this.callees, this.straightLimit);
    const potential = placeCharges(body, this.callees, habits);
    return emitBody(
      out,
      this.module,
      layout,
      {
        body,
        habits,
        entryCharge: this.chargesItself.has(n) ? potential : 0,
        entryCheck: this.callees.entryCheck[body.functionIndex] === 1,
        padding: padded ? paddingBytes(this.options.padding ?? DEFAULT_PADDING, body.localCount) : 0,
        stackPointer: this.stackPointer ?? 0,
        frame: padded ? findFrame(body, this.stackPointer ?? 0, this.module.bytes) : undefined,
        counters: this.counters,
        marks: layout.map && planMarks(this.module, layout, layout.map, body, habits, this.demands),
      },
      counts,
    );
  }
}

/** A function's new body, and the functions that it calls. */
interface Replacement {
  readonly calls: readonly number[];
  body(): Code;
}

function calleesOf(replaced: ReadonlyMap<number, Replacement>): Map<number, readonly number[]> {
  return new Map(Array.from(replaced, ([n, { calls }]) => [n, calls]));
}

/** Reading the names of a large module takes a while, and most have a stack pointer that is exported. */
function usesNames(module: Module, options: RewriteOptions): boolean {
  const { cut, exportFunctions, lockWait, stackPointer } = options;
  if (cut !== undefined || exportFunctions !== undefined || lockWait !== undefined) return true;
  return stackPointer !== undefined && !module.exports.some(({ name }) => name === stackPointer);
}

const NO_NAMES: Names = { functions: new Map(), globals: new Map() };

function findStackPointer(module: Module, names: Names, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const exported = module.exports.find((item) => item.name === name);
  const { kind, index } = exported ?? {
    kind: ExternKind.global,
    index: indicesOf(names.globals, [name], "global").get(name) ?? -1,
  };
  const global = kind === ExternKind.global ? module.globals[index] : undefined;
  if (!global?.mutable || VALUE_TYPE_NAMES[global.type] !== "i32") {
    throw new WasmError(`"${name}" is not a mutable i32 global`, 0);
  }
  return index;
}

function mutableGlobals(module: Module): number[] {
  return module.globals.flatMap(({ mutable }, index) => (mutable ? [index] : []));
}

function addedExports(
  layout: Layout,
  globals: readonly number[],
  counters: BranchCounters | undefined,
): AddedExport[] {
  const global = (name: string, index: number) => ({
    name: `capsule_${name}`,
    kind: ExternKind.global,
    index,
  });
  const [fuel, ...others] = layout.globals.map(({ name }, i) => global(name, layout.fuel + i));
  return [
    ...(fuel ? [fuel] : []),
    { name: "capsule_gate", kind: ExternKind.table, index: layout.gateTable },
    ...others,
    ...globals.map((index, i) => global(`global_${i}`, index)),
    ...(counters ? [{ name: "capsule_counters", kind: ExternKind.memory, index: counters.memory }] : []),
    ...(layout.map === undefined
      ? []
      : [{ name: "capsule_dirty", kind: ExternKind.memory, index: layout.map.memory }]),
  ];
}

const VALUE_TYPE_NAMES: Readonly<Record<number, string>> = {
  127: "i32",
  126: "i64",
  125: "f32",
  124: "f64",
  123: "v128",
  112: "funcref",
  111: "externref",
  105: "exnref",
};

import { decodeBody } from "./body.ts";
import type { Instruction, InstructionPool } from "./instruction.ts";
import { Op } from "./opcodes.ts";
import type { Module } from "./sections.ts";

/** Who calls whom. Functions are numbered as the module defines them; imported ones are left out. */
export interface CallGraph {
  /** Functions called directly by each function, tail calls included. */
  readonly callees: readonly (readonly number[])[];
  /** The types of the functions that each function calls indirectly. */
  readonly indirectTypes: readonly (readonly number[])[];
  /** Number of instructions; those of replaced functions count as none. */
  readonly sizes: readonly number[];
  /** Functions that an indirect call may reach. */
  readonly inTables: ReadonlySet<number>;
}

/** @param replaced functions whose bodies do not count, and whom they call instead. */
export function readCallGraph(
  module: Module,
  replaced: ReadonlyMap<number, readonly number[]>,
  pool?: InstructionPool,
): CallGraph {
  const { importedFunctions } = module;
  const callees: number[][] = [];
  const indirectTypes: number[][] = [];
  const sizes: number[] = [];
  const inTables = new Set<number>();
  for (const f of module.referenced) if (f >= importedFunctions) inTables.add(f - importedFunctions);
  for (let n = 0; n < module.bodies.length; n++) {
    const given = replaced.get(n);
    const instructions = given ? [] : decodeBody(module, n, pool).instructions;
    const called = new Set(given);
    const types = new Set<number>();
    for (const { opcode, immediate } of instructions) {
      if (opcode === Op.callIndirect || opcode === Op.returnCallIndirect) {
        types.add(immediate);
        continue;
      }
      if (immediate < importedFunctions) continue;
      if (opcode === Op.call || opcode === Op.returnCall) called.add(immediate - importedFunctions);
      else if (opcode === Op.refFunc) inTables.add(immediate - importedFunctions);
    }
    callees.push([...called]);
    indirectTypes.push([...types]);
    sizes.push(instructions.length);
  }
  return { callees, indirectTypes, sizes, inTables };
}

/** Whether an instruction leaves the function for another one, now or for good. */
export function isCall({ opcode }: Instruction): boolean {
  return opcode >= Op.call && opcode <= Op.returnCallIndirect;
}

/**
 * Functions that can be active more than once at a time, so that the native stack grows without bound.
 * An indirect call is taken to reach every function in a table that is of its type.
 */
export function recursiveFunctions(module: Module, graph: CallGraph): Set<number> {
  const count = graph.callees.length;
  const shapes = new Map<string, number>();
  /** A node for each shape of type, behind those of the functions. */
  const nodeOf = (type: number): number => {
    const shape = JSON.stringify(module.types[type]);
    const node = shapes.get(shape) ?? count + shapes.size;
    shapes.set(shape, node);
    return node;
  };
  const successors: number[][] = graph.callees.map((direct, f) => {
    const indirect = graph.indirectTypes[f] ?? [];
    return [...direct, ...indirect.map(nodeOf)];
  });
  for (let node = count; node < count + shapes.size; node++) successors[node] = [];
  for (const f of graph.inTables) {
    const node = nodeOf(module.functions[module.importedFunctions + f] ?? 0);
    successors[node]?.push(f);
  }
  const onCycle = functionsOnCycles(successors, new Set());
  for (const node of onCycle) if (node >= count) onCycle.delete(node);
  return onCycle;
}

/** The sizes down to which functions are tried, largest first, when cycles of direct calls are cut. */
const CUT_SIZES = [2000, 1000, 500, 250, 120, 60, 30];

/**
 * Chooses functions that check the fuel at their entry so that every cycle of direct calls has one: large
 * functions first, where a check is cheap beside their work, small ones only if a cycle has no others.
 *
 * Also gives the order in which each function comes after those it calls, apart from calls of cut ones.
 */
export function cutCallCycles(graph: CallGraph): { cut: Set<number>; order: readonly number[] } {
  const cut = new Set<number>();
  for (const size of CUT_SIZES) {
    for (const f of functionsOnCycles(graph.callees, cut)) {
      if ((graph.sizes[f] as number) >= size) cut.add(f);
    }
  }
  const large = new Set(cut);
  const order: number[] = [];
  const state = new Uint8Array(graph.callees.length);
  for (const cutOnes of [false, true]) {
    for (let root = 0; root < graph.callees.length; root++) {
      if (large.has(root) === cutOnes) visit(root);
    }
  }
  return { cut, order };

  function visit(root: number): void {
    if (state[root] !== 0) return;
    const path = [{ f: root, next: 0 }];
    state[root] = 1;
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const callee = graph.callees[top.f]?.[top.next++];
      if (callee === undefined) {
        state[top.f] = 2;
        order.push(top.f);
        path.pop();
      } else if (state[callee] === 1) {
        cut.add(callee);
      } else if (state[callee] === 0 && !large.has(callee)) {
        state[callee] = 1;
        path.push({ f: callee, next: 0 });
      }
    }
  }
}

/** The nodes of all cycles that do not lead through `removed` ones (Tarjan, without recursion). */
function functionsOnCycles(
  successors: readonly (readonly number[])[],
  removed: ReadonlySet<number>,
): Set<number> {
  const count = successors.length;
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const stack: number[] = [];
  const onCycle = new Set<number>();
  let next = 0;
  const enter = (v: number) => {
    index[v] = low[v] = next++;
    stack.push(v);
    onStack[v] = 1;
  };
  const lower = (v: number, to: number) => {
    low[v] = Math.min(low[v] as number, to);
  };
  for (let root = 0; root < count; root++) {
    if (index[root] !== -1 || removed.has(root)) continue;
    const path = [{ v: root, next: 0 }];
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const w = successors[top.v]?.[top.next++];
      if (w === undefined) {
        path.pop();
        const parent = path.at(-1);
        if (parent) lower(parent.v, low[top.v] as number);
        if (low[top.v] === index[top.v]) takeComponent(top.v);
      } else if (!removed.has(w)) {
        if (index[w] === -1) {
          enter(w);
          path.push({ v: w, next: 0 });
        } else if (onStack[w]) lower(top.v, index[w] as number);
      }
    }
  }
  return onCycle;

  function takeComponent(first: number): void {
    const members = stack.splice(stack.lastIndexOf(first));
    for (const v of members) onStack[v] = 0;
    if (members.length > 1 || successors[first]?.includes(first)) for (const v of members) onCycle.add(v);
  }
}

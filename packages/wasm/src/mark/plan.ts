import { type Code, localGet, localTee } from "../assemble.ts";
import type { Body } from "../body.ts";
import { isCall } from "../callgraph.ts";
import type { Instruction } from "../instruction.ts";
import type { Layout } from "../layout.ts";
import type { BranchHabit } from "../profile.ts";
import type { Module } from "../sections.ts";
import { mark, markingCall, markingStore, markPage } from "./code.ts";
import { findNeeds } from "./find.ts";
import { type MarkMemory, reachOf } from "./grain.ts";
import { planPlacement } from "./kept.ts";
import type { Demands } from "./needs.ts";
import { within } from "./place.ts";

/** What is inserted into a body so that pages are marked that it writes; see docs/rewriter.md. */
export interface Marks {
  readonly before: ReadonlyMap<number, Code>;
  readonly behind: ReadonlyMap<number, Code>;
  /** Stores that become calls. */
  readonly instead: ReadonlyMap<number, Code>;
  readonly count: number;
  readonly stores: number;
}

/** Plans a body's marks. They use the local behind the function's own, which holds nothing between instructions. */
export function planMarks(
  module: Module,
  layout: Layout,
  map: MarkMemory,
  body: Body,
  habits: ReadonlyMap<number, BranchHabit>,
  demands: Demands,
): Marks {
  const scratch = body.localCount;
  const found = findNeeds(module, body, habits, demands);
  const { shift } = map.grain;
  const before = new Map<number, Code>();
  const behind = new Map<number, Code>();
  const instead = new Map<number, Code>();
  const add = (map: Map<number, Code>, at: number, code: Code) => {
    map.set(at, [...(map.get(at) ?? []), ...code]);
  };
  const reach = reachOf(map.grain);
  for (const { at, low, high } of found.passing) {
    const offset = within({ low, high, reach }, 0);
    add(behind, at, [...localTee(scratch), ...mark(map, localGet(scratch), offset)]);
  }
  const placed = planPlacement(found, map.grain, demands.get(body.functionIndex)).marks;
  for (const { definition, offset, at, behind: isBehind } of placed) {
    const code =
      definition === undefined
        ? markPage(map, offset >>> shift)
        : mark(map, localGet(definition.local), offset);
    add(isBehind ? behind : before, at, code);
  }
  for (const at of found.buried) {
    const instruction = body.instructions[at] as Instruction;
    const code = isCall(instruction)
      ? markingCall(module, layout, map, instruction, demands.get(instruction.immediate) ?? [])
      : markingStore(module, layout, map, instruction);
    instead.set(at, code);
  }
  const count = placed.length + found.passing.length + found.buried.length;
  return { before, behind, instead, count, stores: found.stores };
}

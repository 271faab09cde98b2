import {
  type Code,
  call,
  functionBody,
  i32,
  i32Add,
  i32GtU,
  i32ShrU,
  i32Sub,
  ifThen,
  localGet,
  localSet,
  localTee,
} from "./assemble.ts";
import { u32 } from "./binary.ts";
import type { Body } from "./body.ts";
import { isCall } from "./callgraph.ts";
import type { Instruction } from "./instruction.ts";
import type { Layout } from "./layout.ts";
import type { Demand, Demands } from "./mark-demands.ts";
import { planPlacement } from "./mark-kept.ts";
import { findNeeds, storeOffset } from "./mark-needs.ts";
import { type Grain, reachOf, within } from "./mark-place.ts";
import { Op, Prefixed, ValueType } from "./opcodes.ts";
import type { BranchHabit } from "./profile.ts";
import type { Module } from "./sections.ts";

/** What is inserted into a body so that pages are marked that it writes; see docs/rewriter.md. */
export interface Marks {
  readonly before: ReadonlyMap<number, Code>;
  readonly behind: ReadonlyMap<number, Code>;
  /** Stores that become calls. */
  readonly instead: ReadonlyMap<number, Code>;
  readonly count: number;
  readonly stores: number;
}

/** The memory that holds the marks. */
export interface MarkMemory {
  readonly memory: number;
  readonly grain: Grain;
}

/** Its size in pages of WebAssembly: a byte for each page of 4 GiB. */
export const mapPages = ({ grain }: MarkMemory): number => 2 ** (32 - grain.shift) / 65_536;

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

/** Marks the page of an address and a distance. */
function mark(map: MarkMemory, address: Code, offset: number): Code {
  const place = offset === 0 ? address : [...address, ...i32(offset | 0), ...i32Add];
  return [...place, ...i32(map.grain.shift), ...i32ShrU, ...i32(1), ...storeMark(map)];
}

function markPage(map: MarkMemory, page: number): Code {
  return [...i32(page), ...i32(1), ...storeMark(map)];
}

/** `i32.store8` to the map. */
function storeMark({ memory }: MarkMemory): Code {
  return [0x3a, 0x40, ...u32(memory), 0];
}

/** A call of a function that takes a store's operands, marks and stores. */
function markingStore(module: Module, layout: Layout, map: MarkMemory, instruction: Instruction): Code {
  const code = [...module.bytes.subarray(instruction.start, instruction.end)];
  const value =
    instruction.opcode === Op.simd ? ValueType.v128 : (STORED[instruction.opcode - 0x36] as number);
  const type = { params: [ValueType.i32, value], results: [] };
  const index = layout.addFunction(`mark ${code}`, type, () =>
    functionBody(
      [],
      mark(map, localGet(0), storeOffset(module, instruction)),
      localGet(0),
      localGet(1),
      code,
    ),
  );
  return call(index);
}

/** The same for a call, be it a tail call: it marks what the callee demands. */
function markingCall(
  module: Module,
  layout: Layout,
  map: MarkMemory,
  { opcode, immediate }: Instruction,
  demands: readonly Demand[],
): Code {
  const type = module.types[module.functions[immediate] ?? -1] ?? { params: [], results: [] };
  const reach = reachOf(map.grain);
  const index = layout.addFunction(`mark call ${immediate}`, type, () =>
    functionBody(
      [],
      ...demands.map(({ param, low, high }) => mark(map, localGet(param), within({ low, high, reach }, 0))),
      ...type.params.map((_, param) => localGet(param)),
      call(immediate),
    ),
  );
  return [opcode, ...u32(index)];
}

const { i32: I32, i64: I64, f32: F32, f64: F64 } = ValueType;
const STORED: readonly number[] = [I32, I64, F32, F64, I32, I32, I64, I64, I64];

/** Marks the pages of a range of bytes: `to` and `length` push its start and how many there are. */
export function markRange(layout: Layout, to: Code, length: Code): Code {
  const { map } = layout;
  if (map === undefined) return [];
  const type = { params: [I32, I32], results: [] };
  return [...to, ...length, ...call(layout.addFunction("mark range", type, () => rangeBody(map)))];
}

function rangeBody(map: MarkMemory): Code {
  const { shift: log2, slop } = map.grain;
  const [to, length, first, last] = [0, 1, 2, 3] as const;
  const shift = [...i32(log2), ...i32ShrU];
  const lastPage = [...localGet(to), ...localGet(length), ...i32Add, ...i32(1), ...i32Sub, ...shift];
  const setMark = (page: number) => [...localGet(page), ...i32(1), ...storeMark(map)];
  const fill = [Op.prefixed, Prefixed.memoryFill, ...u32(map.memory)];
  const between = [...localGet(last), ...localGet(first), ...i32Sub];
  // Beyond 4 GiB the last page comes before the first, and the fill traps as what is being marked would.
  const all = [...localGet(first), ...i32(1), ...between, ...fill];
  return functionBody(
    ["i32", "i32"],
    [...localGet(to), ...shift, ...localSet(first), ...setMark(first)],
    [...localGet(length), ...i32(slop), ...i32GtU],
    ifThen([...lastPage, ...localSet(last)], setMark(last), [
      ...between,
      ...i32(1),
      ...i32GtU,
      ...ifThen(all),
    ]),
  );
}

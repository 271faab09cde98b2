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
} from "../assemble.ts";
import { u32 } from "../binary.ts";
import type { Instruction } from "../instruction.ts";
import type { Layout } from "../layout.ts";
import { Op, Prefixed, ValueType } from "../opcodes.ts";
import type { Module } from "../sections.ts";
import { type MarkMemory, reachOf } from "./grain.ts";
import type { Demand } from "./needs.ts";
import { within } from "./place.ts";
import { typeOf } from "./signatures.ts";
import { storedType, storeOffset } from "./stores.ts";

/** Marks the page of an address and a distance. */
export function mark(map: MarkMemory, address: Code, offset: number): Code {
  const place = offset === 0 ? address : [...address, ...i32(offset | 0), ...i32Add];
  return [...place, ...i32(map.grain.shift), ...i32ShrU, ...i32(1), ...storeMark(map)];
}

/** Marks a page by its number. */
export function markPage(map: MarkMemory, page: number): Code {
  return [...i32(page), ...i32(1), ...storeMark(map)];
}

/** `i32.store8` to the map. */
function storeMark({ memory }: MarkMemory): Code {
  return [0x3a, 0x40, ...u32(memory), 0];
}

/** A call of a function that takes a store's operands, marks and stores. */
export function markingStore(
  module: Module,
  layout: Layout,
  map: MarkMemory,
  instruction: Instruction,
): Code {
  const code = [...module.bytes.subarray(instruction.start, instruction.end)];
  const type = { params: [ValueType.i32, storedType(instruction)], results: [] };
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
export function markingCall(
  module: Module,
  layout: Layout,
  map: MarkMemory,
  { opcode, immediate }: Instruction,
  demands: readonly Demand[],
): Code {
  const type = typeOf(module, immediate);
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

/** Marks the pages of a range of bytes: `to` and `length` push its start and how many there are. */
export function markRange(layout: Layout, to: Code, length: Code): Code {
  const { map } = layout;
  if (map === undefined) return [];
  const type = { params: [ValueType.i32, ValueType.i32], results: [] };
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

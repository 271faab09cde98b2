import {
  brIf,
  type Code,
  call,
  functionBody,
  i32,
  i32Add,
  i32GtU,
  i32LeU,
  i32Or,
  i32Shl,
  i32ShrU,
  i32Sub,
  i64,
  i64Add,
  i64ExtendU,
  i64GtU,
  i64Shl,
  ifElse,
  ifThen,
  localGet,
  localSet,
  loop,
  RETURN,
  UNREACHABLE,
} from "./assemble.ts";
import { Reader, u32 } from "./binary.ts";
import type { Instruction } from "./instruction.ts";
import type { Layout } from "./layout.ts";
import { markRange } from "./mark/code.ts";
import { Op, Prefixed, ValueType } from "./opcodes.ts";
import type { Module } from "./sections.ts";

/** Bytes that a memory operation handles between two checks. A multiple of 16, so that charges add up. */
const MEMORY_CHUNK = 1 << 20;

/** Elements that a table operation handles between two checks. */
const TABLE_CHUNK = 1 << 12;

/** Units for 16 bytes of memory: 1. */
const memoryUnits = (length: Code): Code => [...length, ...i32(4), ...i32ShrU];

/** Units for an element of a table: 64, since V8 also updates what indirect calls look up. */
const tableUnits = (length: Code): Code => [...length, ...i32(6), ...i32Shl];

/** A table is not grown beyond this many elements at a time. */
const MAX_TABLE_GROWTH = 1 << 20;

/** Parameters of the bulk instructions, and a local. */
const [TO, FROM, LENGTH, SCRATCH] = [0, 1, 2, 3] as const;

/** A bulk instruction and what is needed to do it in parts. */
interface Operation {
  /** The instruction as it stands in the module. */
  readonly instruction: Code;
  readonly chunk: number;
  readonly units: (length: Code) => Code;
  /** Whether the second operand is a position that moves along, or a value to fill with. */
  readonly hasSource: boolean;
  readonly fillType: number;
  /** Whether memory is written. */
  readonly marks: boolean;
  /** Source and destination may overlap. */
  readonly overlaps: boolean;
  /** i64: the size of what is written to, and of what is read from. */
  readonly toSize: Code;
  readonly fromSize: Code;
}

/**
 * A call that replaces the bulk instruction: it charges by length and handles long ranges in chunks with a
 * check behind each. `undefined` if the instruction does not depend on a length.
 */
export function bulkCall(module: Module, layout: Layout, instruction: Instruction): Code | undefined {
  const code = [...module.bytes.subarray(instruction.start, instruction.end)];
  if (instruction.immediate === Prefixed.tableGrow) return tableGrow(module, layout, code);
  const operation = operationOf(module, instruction, code);
  if (operation === undefined) return undefined;
  const { i32: type } = ValueType;
  const middle = operation.hasSource ? type : operation.fillType;
  const index = layout.addFunction(code.join(), { params: [type, middle, type], results: [] }, () =>
    chunkedBody(layout, operation),
  );
  return call(index);
}

function operationOf(module: Module, instruction: Instruction, code: Code): Operation | undefined {
  const [first = 0, second = 0] = immediates(module, instruction);
  const memory = {
    instruction: code,
    chunk: MEMORY_CHUNK,
    units: memoryUnits,
    fillType: ValueType.i32,
    marks: true,
  };
  const table = {
    instruction: code,
    chunk: TABLE_CHUNK,
    units: tableUnits,
    fillType: module.tables[first] ?? 0,
    marks: false,
  };
  switch (instruction.immediate) {
    case Prefixed.memoryCopy:
      return { ...memory, hasSource: true, overlaps: true, toSize: MEMORY_SIZE, fromSize: MEMORY_SIZE };
    case Prefixed.memoryFill:
      return { ...memory, hasSource: false, overlaps: false, toSize: MEMORY_SIZE, fromSize: i64(0) };
    case Prefixed.memoryInit: {
      const fromSize = unsignedI64(module.data[first]?.size ?? 0);
      return { ...memory, hasSource: true, overlaps: false, toSize: MEMORY_SIZE, fromSize };
    }
    case Prefixed.tableInit: {
      const fromSize = unsignedI64(module.elements[first] ?? 0);
      return { ...table, hasSource: true, overlaps: false, toSize: tableSize(second), fromSize };
    }
    case Prefixed.tableCopy:
      return {
        ...table,
        hasSource: true,
        overlaps: true,
        toSize: tableSize(first),
        fromSize: tableSize(second),
      };
    case Prefixed.tableFill:
      return { ...table, hasSource: false, overlaps: false, toSize: tableSize(first), fromSize: i64(0) };
    default:
      return undefined;
  }
}

/** The numbers behind 0xfc and the number of the instruction. */
function immediates(module: Module, instruction: Instruction): number[] {
  const reader = new Reader(module.bytes, instruction.start + 1, instruction.end);
  reader.u32();
  const numbers: number[] = [];
  while (!reader.done) numbers.push(reader.u32());
  return numbers;
}

/** The size of the memory in bytes: the real one, as for every other access. */
const MEMORY_SIZE: Code = [Op.memorySize, 0, ...i64ExtendU, ...i64(16), ...i64Shl];

const tableSize = (table: number): Code => [Op.prefixed, Prefixed.tableSize, ...u32(table), ...i64ExtendU];

/** Sizes of segments are below 2^31: those of a module's bytes. */
const unsignedI64 = (value: number): Code => i64(value);

function chunkedBody(layout: Layout, operation: Operation): Code {
  const { instruction, chunk, hasSource } = operation;
  const [to, from, length] = [localGet(TO), localGet(FROM), localGet(LENGTH)];
  const whole = [...to, ...from, ...length, ...instruction];
  const pay = layout.chargeAndCheck(operation.units(length), SCRATCH);
  const payChunk = layout.chargeAndCheck(operation.units(i32(chunk)), SCRATCH);
  const longerThanChunk = [...length, ...i32(chunk), ...i32GtU];
  const advance = (local: number) => [...localGet(local), ...i32(chunk), ...i32Add, ...localSet(local)];
  const shorten = [...length, ...i32(chunk), ...i32Sub, ...localSet(LENGTH)];
  const forwards = loop(
    [...to, ...from, ...i32(chunk), ...instruction],
    [...advance(TO), ...(hasSource ? advance(FROM) : []), ...shorten],
    payChunk,
    [...longerThanChunk, ...brIf(0)],
  );
  const backwards = loop(
    shorten,
    [...to, ...length, ...i32Add, ...from, ...length, ...i32Add, ...i32(chunk), ...instruction],
    payChunk,
    [...longerThanChunk, ...brIf(0)],
  );
  const towardsStart = [...to, ...from, ...i32LeU];
  return functionBody(
    ["i32"],
    operation.marks ? markRange(layout, to, length) : [],
    [...length, ...i32(chunk), ...i32LeU, ...ifThen(whole, pay, RETURN)],
    // The instruction itself knows how to trap before anything is written.
    [...outOfBounds(operation), ...ifThen(whole, UNREACHABLE)],
    operation.overlaps ? [...towardsStart, ...ifElse(forwards, backwards)] : forwards,
    [...whole, ...pay],
  );
}

function outOfBounds({ hasSource, toSize, fromSize }: Operation): Code {
  const beyond = (local: number, size: Code) => [
    ...[...localGet(local), ...i64ExtendU, ...localGet(LENGTH), ...i64ExtendU, ...i64Add],
    ...[...size, ...i64GtU],
  ];
  if (!hasSource) return beyond(TO, toSize);
  return [...beyond(TO, toSize), ...beyond(FROM, fromSize), ...i32Or];
}

/** `table.grow`: charged by the number of new elements, refused if there are too many at a time. */
function tableGrow(module: Module, layout: Layout, code: readonly number[]): Code {
  const [value, by, scratch] = [0, 1, 2] as const;
  const table = code.slice(2);
  const type = module.tables[new Reader(Uint8Array.from(table)).u32()] ?? 0;
  const { i32: number } = ValueType;
  const body = () =>
    functionBody(
      ["i32"],
      [...localGet(by), ...i32(MAX_TABLE_GROWTH), ...i32GtU, ...ifThen(i32(-1), RETURN)],
      layout.chargeAndCheck(tableUnits(localGet(by)), scratch),
      [...localGet(value), ...localGet(by), ...code],
    );
  return call(layout.addFunction(code.join(), { params: [type, number], results: [number] }, body));
}

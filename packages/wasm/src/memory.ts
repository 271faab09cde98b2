import {
  type Code,
  call,
  functionBody,
  globalGet,
  globalSet,
  i32,
  i32Add,
  i32Eq,
  i32GtU,
  i32LtU,
  i32Or,
  i32Shl,
  i32Sub,
  ifThen,
  localGet,
  localTee,
  RETURN,
} from "./assemble.ts";
import type { Layout } from "./layout.ts";
import { Op, ValueType } from "./opcodes.ts";

const REAL_SIZE: Code = [Op.memorySize, 0];
const REAL_GROW: Code = [Op.memoryGrow, 0];

/** What growing by a page of 64 KiB costs, as a power of two: as much as filling it. */
const GROW_COST_LOG2 = 12;

const MAX_PAGES = 65_536;

/** `memory.size`: the size the guest sees, which a host may set back when it resets an instance. */
export function memorySize(layout: Layout): Code {
  return globalGet(layout.pages);
}

/**
 * `memory.grow`: grows what the guest sees, up to the host's limit, and the real memory if that is smaller.
 * Charges 4,096 units a page, unless the limit refuses. When what is grown to is more than the host has granted, the gate
 * is asked at once, before the guest can write to it: a host can make it wait there. That changes nothing the guest sees.
 */
export function memoryGrow(layout: Layout): Code {
  const { i32: type } = ValueType;
  const index = layout.addFunction("memory.grow", { params: [type], results: [type] }, () =>
    growBody(layout),
  );
  return call(index);
}

function growBody(layout: Layout): Code {
  const [by, old, grown, scratch] = [0, 1, 2, 3] as const;
  const refuse = ifThen(i32(-1), RETURN);
  const grownIsAbove = (limit: Code) => [...localGet(grown), ...limit, ...i32GtU];
  const realGrowth = [...localGet(grown), ...REAL_SIZE, ...i32Sub, ...REAL_GROW];
  return functionBody(
    ["i32", "i32", "i32"],
    [...globalGet(layout.pages), ...localTee(old), ...localGet(by), ...i32Add, ...localTee(grown)],
    [...localGet(old), ...i32LtU],
    [...grownIsAbove(globalGet(layout.memoryLimit)), ...i32Or],
    [...grownIsAbove(i32(MAX_PAGES)), ...i32Or],
    refuse,
    layout.chargeAndCheck([...localGet(by), ...i32(GROW_COST_LOG2), ...i32Shl], scratch),
    [...grownIsAbove(REAL_SIZE), ...ifThen(realGrowth, i32(-1), i32Eq, refuse)],
    [...localGet(grown), ...globalSet(layout.pages)],
    [...grownIsAbove(globalGet(layout.memoryGranted)), ...ifThen(call(layout.yieldFunction))],
    localGet(old),
  );
}

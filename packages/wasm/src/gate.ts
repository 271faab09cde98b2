import {
  brIf,
  type Code,
  call,
  functionBody,
  globalGet,
  i32,
  i32LtS,
  ifThen,
  loop,
  sized,
  UNREACHABLE,
} from "./assemble.ts";
import { u32 } from "./binary.ts";
import type { Layout } from "./layout.ts";
import { Op, ValueType } from "./opcodes.ts";

/**
 * A module that stands between a rewritten guest and the host's decision to let it go on.
 *
 * It imports `capsule.yield`, a function that returns an i32, and exports `gate`, a function without
 * parameters and results: it calls `yield`, and unless that returned 0 it executes `unreachable`, a trap that
 * no handler of the guest can catch (one can catch a JavaScript exception). The host puts `gate` into slot 0
 * of the guest's `capsule_gate`; `yield` may be a `WebAssembly.Suspending`.
 */
export const GATE: Uint8Array = gateModule();

function gateModule(): Uint8Array {
  const name = (text: string) => [...u32(text.length), ...Array.from(text, (c) => c.charCodeAt(0))];
  const section = (id: number, ...items: Code[]) => {
    const body = [...u32(items.length), ...items.flat()];
    return [id, ...u32(body.length), ...body];
  };
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 0, 1, ValueType.i32], [0x60, 0, 0]),
    ...section(2, [...name("capsule"), ...name("yield"), 0, 0]),
    ...section(3, [1]),
    ...section(7, [...name("gate"), 0, 1]),
    ...section(10, sized(functionBody([], call(0), ifThen(UNREACHABLE)))),
  ]);
}

/** V8 inlines functions of up to 500 bytes; a call to the host does not belong into every loop. */
const INLINING_GUARD = 600;

/**
 * The function that every check calls when the fuel is below 0: it asks the gate until the host has filled it
 * up. So a host may give less than what was used at once, and the fuel never falls far below 0.
 */
export function yieldBody(layout: Layout): Code {
  const type = layout.type({ params: [], results: [] });
  const ask = [...i32(0), Op.callIndirect, ...u32(type), ...u32(layout.gateTable)];
  const empty = [...globalGet(layout.fuel), ...i32(0), ...i32LtS];
  const guard = new Array<number>(INLINING_GUARD).fill(Op.nop);
  return functionBody([], loop(ask, empty, brIf(0)), [Op.return], guard);
}

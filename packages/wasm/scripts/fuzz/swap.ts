import { s32, u32 } from "../../src/binary.ts";
import { decodeBody } from "../../src/body.ts";
import type { Instruction } from "../../src/instruction.ts";
import { Op } from "../../src/opcodes.ts";
import { decodeModule } from "../../src/sections.ts";
import { bytesOf, withBodies } from "./edit.ts";
import type { Random } from "./random.ts";

/** Runs of opcodes that take and give the same types. */
const ALIKE: readonly (readonly [first: number, last: number])[] = [
  ...([
    [0x46, 0x4f],
    [0x51, 0x5a],
    [0x5b, 0x60],
    [0x61, 0x66],
    [0x67, 0x69],
    [0x6a, 0x78],
  ] as const),
  ...([
    [0x79, 0x7b],
    [0x7c, 0x8a],
    [0x8b, 0x91],
    [0x92, 0x98],
    [0x99, 0x9f],
    [0xa0, 0xa6],
  ] as const),
];

const NUMBERS = [
  0,
  1,
  -1,
  15,
  16,
  255,
  4095,
  4096,
  65_535,
  65_536,
  1 << 20,
  (1 << 20) + 1,
  0x7fff_ffff,
  -0x8000_0000,
];

/** A module with some instructions changed for others that fit as well, so that it mostly stays valid. */
export function swapped(wasm: Uint8Array, random: Random): Uint8Array {
  try {
    const module = decodeModule(wasm);
    if (module.bodies.length === 0) return wasm;
    const bodies = module.bodies.map((range) => bytesOf(module, range));
    for (let times = 1 + random.below(4); times > 0; times--) {
      const n = random.below(bodies.length);
      const { instructions } = decodeBody(module, n);
      const chosen = random.pick(instructions);
      const start = module.bodies[n]?.start ?? 0;
      const code = instead(chosen, random);
      if (code === undefined) continue;
      const body = bytesOf(module, module.bodies[n] ?? { start, end: start });
      const [from, to] = [chosen.start - start, chosen.end - start];
      bodies[n] = Buffer.concat([body.subarray(0, from), Uint8Array.from(code), body.subarray(to)]);
    }
    return withBodies(module, bodies);
  } catch {
    return wasm;
  }
}

function instead({ opcode, immediate }: Instruction, random: Random): readonly number[] | undefined {
  const alike = ALIKE.find(([first, last]) => opcode >= first && opcode <= last);
  if (alike) return [alike[0] + random.below(alike[1] - alike[0] + 1)];
  switch (opcode) {
    case Op.i32Const:
      return [opcode, ...s32(random.pick(NUMBERS))];
    case Op.br:
    case Op.brIf:
      return [opcode, ...u32(Math.max(0, immediate + random.below(3) - 1))];
    case Op.nop:
    case Op.drop:
      return [opcode, random.pick([Op.nop, Op.unreachable])];
    case Op.localGet:
      return [Op.localGet, ...u32(random.below(immediate + 3))];
    case Op.localSet:
      return random.once(2) ? [Op.localTee, ...u32(immediate), Op.drop] : [Op.drop];
    default:
      return undefined;
  }
}

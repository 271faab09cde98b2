import assert from "node:assert/strict";
import { test } from "node:test";
import { instrument, profileFrom, type RewriteOptions, rewrite } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { type Program, randomProgram } from "./testing/programs.ts";
import { meterPlainly } from "./testing/reference.ts";

/** What running a program shows: a result or that it trapped, and what its memory and globals hold. */
interface Outcome {
  readonly result: unknown;
  readonly fuel: number;
  readonly image: string;
}

function run(exports: Record<string, unknown>, used: () => number): Outcome {
  let result: unknown;
  try {
    result = (exports.f as (n: number) => unknown)(5);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof WebAssembly.Exception)) throw error;
    result = error instanceof WebAssembly.RuntimeError ? error.message : "exception";
  }
  const image = Buffer.from((exports.memory as WebAssembly.Memory).buffer).toString("latin1");
  return { result, fuel: used(), image };
}

function runPlain({ wasm }: Program): Outcome {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(meterPlainly(wasm) as BufferSource));
  return run(exports, () => -(exports.fuel as WebAssembly.Global).value);
}

function runRewritten({ wasm, throws }: Program, slice: number, options: Partial<RewriteOptions>): Outcome {
  const guest = startGuest(rewrite(wasm, { keepExports: ["f", "memory"], ...options }).wasm, { slice });
  const stackPointer = guest.exports.capsule_global_0 as WebAssembly.Global<"i32">;
  const start = stackPointer.value;
  const outcome = run(guest.exports, guest.used);
  // Frames that an exception leaves do not raise it: the handlers of compiled programs do.
  if (typeof outcome.result === "number" && !throws) assert.equal(stackPointer.value, start, "stack pointer");
  return outcome;
}

const PROGRAMS = 100;

test("random programs give the results and the fuel of a plain meter", () => {
  let finished = 0;
  let exact = 0;
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const program = randomProgram(seed);
    assert.ok(WebAssembly.validate(program.wasm as BufferSource), `seed ${seed}`);
    const plain = runPlain(program);
    const { sites } = instrument(program.wasm, { keepExports: [] });
    const counters = Uint32Array.from({ length: sites.length * 2 }, (_, i) => (i % 2 ? (i + seed) % 4 : 3));
    const profile = profileFrom(program.wasm, sites, [{ counters, fuel: 1 }]);
    const variants = [
      runRewritten(program, 100, {}),
      runRewritten(program, 1_000_003, {}),
      runRewritten(program, 5000, { profile }),
      runRewritten(program, 5000, { stackPointer: "sp", straightLimit: 4096 }),
    ];
    for (const [i, variant] of variants.entries()) {
      const { result, image, fuel } = variant;
      assert.deepEqual(
        { result, same: image === plain.image },
        { result: plain.result, same: true },
        `seed ${seed}, ${i}`,
      );
      // What an exception or a trap leaves charged in advance is too much, never too little.
      const leaves = typeof plain.result === "string" || program.throws;
      if (leaves) assert.ok(fuel >= plain.fuel, `seed ${seed}, variant ${i}: ${fuel} for ${plain.fuel}`);
      else assert.equal(fuel, plain.fuel, `seed ${seed}, variant ${i}`);
      if (!leaves) exact++;
    }
    assert.equal(variants[0]?.fuel, variants[1]?.fuel, `seed ${seed}: slices`);
    if (typeof plain.result === "number") finished++;
  }
  assert.ok(finished > PROGRAMS / 2 && exact > PROGRAMS, `${finished} finished, ${exact} exact`);
});

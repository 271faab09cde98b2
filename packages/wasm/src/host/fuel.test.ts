import assert from "node:assert/strict";
import { test } from "node:test";
import { FuelClock } from "./clock.ts";
import { FuelTank } from "./fuel.ts";

/** A counter of 32 bits, as the guest's is. */
const counter = (): WebAssembly.Global<"i32"> => {
  const cell = new Int32Array(1);
  return {
    get value() {
      return cell[0] as number;
    },
    set value(value: number) {
      cell[0] = value;
    },
    valueOf: () => cell[0] as number,
  };
};

/** A guest that burns in steps and asks for more when its counter is below 0. Gives what was used when it had to end. */
function burn(slice: number, limit: number, step: number): { used: number; grants: number } {
  const fuel = counter();
  const tank = new FuelTank(fuel, slice);
  tank.fill(limit);
  let grants = 0;
  for (;;) {
    fuel.value -= step;
    while (fuel.value < 0) {
      if (!tank.grant()) return { used: tank.used, grants };
      grants++;
    }
  }
}

test("what is used at the end is the same for every size of slice", () => {
  for (const limit of [1, 999, 1000, 123_457, 5_000_000]) {
    const { used } = burn(20_000_000, limit, 7);
    assert.ok(used > limit && used <= limit + 7);
    for (const slice of [100, 1000, 99_991, 1_000_000]) assert.equal(burn(slice, limit, 7).used, used);
  }
});

test("limits beyond 32 bits hold", () => {
  const limit = 50_000_000_000;
  const { used, grants } = burn(20_000_000, limit, 5_000_000);
  assert.ok(used > limit && used <= limit + 5_000_000);
  assert.equal(grants, 2499);
});

test("a plain call counts, whatever is left", () => {
  for (const left of [0, 5, 100]) {
    const fuel = counter();
    const tank = new FuelTank(fuel, 1000);
    tank.fill(100);
    fuel.value = left;
    const before = tank.used;
    const result = tank.plain(() => {
      fuel.value -= 3000;
      return "x";
    });
    assert.equal(result, "x");
    assert.equal(tank.used, before + 3000);
  }
});

test("in a plain call growing asks nobody, and afterwards as before", () => {
  const memory = counter();
  memory.value = 7;
  const tank = new FuelTank(counter(), 1000, memory);
  tank.fill(100);
  assert.equal(
    tank.plain(() => memory.value),
    65_536,
  );
  assert.throws(() =>
    tank.plain(() => {
      throw new Error("x");
    }),
  );
  assert.equal(memory.value, 7);
});

test("a grant while there is fuel gives none", () => {
  const fuel = counter();
  const tank = new FuelTank(fuel, 1000);
  tank.fill(10_000);
  assert.ok(tank.grant());
  assert.equal(fuel.value, 1000);
  assert.equal(tank.used, 0);
});

test("a plain call that throws counts, and one inside another does", () => {
  const fuel = counter();
  const tank = new FuelTank(fuel, 1000);
  tank.fill(100_000);
  assert.throws(() =>
    tank.plain(() => {
      fuel.value -= 10;
      tank.plain(() => {
        fuel.value -= 5;
      });
      throw new Error("x");
    }),
  );
  assert.equal(tank.used, 15);
});

test("charges without a check between them never turn into fuel", () => {
  const fuel = counter();
  const tank = new FuelTank(fuel, 1000);
  tank.fill(1000);
  let least = 0;
  for (let i = 0; i < 50; i++) {
    tank.charge(200_000_000);
    assert.ok(tank.used >= least, "used only grows");
    least = tank.used;
  }
  assert.ok(tank.empty);
  assert.ok(!tank.grant());
});

test("drained: the guest ends at its next check, and what it used stays", () => {
  const fuel = counter();
  const tank = new FuelTank(fuel, 1000);
  tank.fill(100_000);
  fuel.value -= 77;
  tank.drain();
  assert.equal(tank.used, 77);
  assert.ok(fuel.value < 0);
  assert.ok(!tank.grant());
  tank.fill(10);
  assert.equal(tank.used, 0);
  assert.ok(!tank.empty);
});

test("the clock: the last event and the fuel since, never back", () => {
  const clock = new FuelClock();
  clock.start(1_700_000_000_000);
  const start = 1_700_000_000_000_000_000n;
  assert.equal(clock.read(0), start);
  assert.equal(clock.read(32_000), start + 1000n);
  clock.event(1_700_000_000_005, 32_000);
  assert.equal(clock.read(32_000), start + 5_000_000n);
  clock.event(1_700_000_000_001, 64_000);
  assert.equal(clock.read(64_000), start + 5_001_000n, "an event of the past changes nothing");
  clock.event(1_700_000_000_006.5, 64_000);
  assert.equal(clock.read(64_000), start + 6_500_000n);
});

test("the clock is not ahead of what the guest has burned, at any time a date can hold", () => {
  const clock = new FuelClock();
  for (const ms of [0, 1.25, 8.64e15]) {
    clock.start(ms);
    assert.equal(clock.read(31), clock.read(0));
    assert.equal(clock.read(32), clock.read(0) + 1n);
  }
});

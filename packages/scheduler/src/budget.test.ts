import assert from "node:assert/strict";
import { test } from "node:test";
import { createBudget, fuelFor, spend, takeAttempt, timeUp, UNLIMITED, usedUp } from "./budget.ts";

test("without limits nothing is ever used up", () => {
  const budget = createBudget(UNLIMITED);
  for (let i = 0; i < 1000; i++) takeAttempt(budget);
  spend(budget, 2 ** 50);
  assert.equal(usedUp(budget), null);
  assert.equal(fuelFor(budget, 7), 7);
});

test("attempts: so many start, and the run goes on", () => {
  const budget = createBudget({ ...UNLIMITED, tasks: 2 });
  takeAttempt(budget);
  assert.equal(usedUp(budget), null);
  takeAttempt(budget);
  assert.equal(usedUp(budget), "tasks");
  assert.equal(budget.over, null);
});

test("fuel: an attempt gets at most what is left, and the run ends with the last of it", () => {
  const budget = createBudget({ ...UNLIMITED, runFuel: 100 });
  assert.equal(fuelFor(budget, 70), 70);
  assert.equal(fuelFor(budget, 1000), 100);
  spend(budget, 60);
  assert.equal(fuelFor(budget, 70), 40);
  assert.equal(usedUp(budget), null);
  spend(budget, 40);
  assert.equal(usedUp(budget), "runFuel");
  assert.equal(budget.over, "runFuel");
  spend(budget, 50);
  assert.equal(fuelFor(budget, 70), 1, "more than none: it ends at once");
});

test("time: the run ends, and what came first is the reason", () => {
  const budget = createBudget({ tasks: 1, runFuel: 10, runTimeoutMs: 5 });
  takeAttempt(budget);
  assert.equal(usedUp(budget), "tasks");
  timeUp(budget);
  spend(budget, 10);
  assert.equal(usedUp(budget), "runTimeoutMs");
});

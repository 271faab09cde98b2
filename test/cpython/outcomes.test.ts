import assert from "node:assert/strict";
import { test } from "node:test";
import { isCurrent } from "./docs.ts";
import { allOf, differences, likeness, type ModuleOutcome, readOutcomes } from "./outcomes.ts";

const known: ModuleOutcome = {
  passed: 2,
  skipped: 1,
  failed: { version: ["T.old"] },
  either: { chance: ["T.odd"] },
};
const result = {
  passed: ["T.a", "T.b"],
  failed: { "T.old": "AssertionError: x" } as Record<string, string>,
  skipped: { "T.s": "no sockets" } as Record<string, string>,
};

test("what is as it is known is no news", () => {
  assert.deepEqual(differences("m", known, result, "same"), []);
  assert.deepEqual(differences("m", known, { ...result, passed: [...result.passed, "T.odd"] }, "same"), []);
  assert.deepEqual(
    differences("m", known, { ...result, failed: { ...result.failed, "T.odd": "x" } }, "same"),
    [],
  );
});

test("a new failure is news, and so is one that is over", () => {
  assert.deepEqual(
    differences("m", known, { ...result, failed: { ...result.failed, "T.a": "Error: x" } }, "same"),
    ["m: T.a fails: Error: x"],
  );
  assert.deepEqual(
    differences("m", known, { ...result, passed: ["T.a", "T.b", "T.old"], failed: {} }, "release"),
    ["m: T.old passes; outcomes.json says that it fails"],
  );
});

test("with the same tests, none may vanish or begin to be skipped", () => {
  const gone = { ...result, failed: {} };
  assert.deepEqual(differences("m", known, gone, "same"), [
    "m: T.old is gone; outcomes.json says that it fails",
  ]);
  assert.deepEqual(differences("m", known, gone, "release"), []);
  const skips = { ...result, passed: ["T.a"], skipped: { "T.s": "", "T.b": "" } };
  assert.deepEqual(differences("m", known, skips, "same"), [
    "m: 1 tests pass; they were 2",
    "m: 2 tests are skipped; they were 1",
  ]);
  assert.deepEqual(differences("m", known, skips, "release"), []);
});

test("of the tests of another release most have to pass", () => {
  const many = { ...known, passed: 100 };
  const pass = (count: number) => ({ ...result, passed: Array.from({ length: count }, (_, i) => `T.${i}`) });
  assert.deepEqual(differences("m", many, { ...pass(90), failed: { "T.x": "Error" } }, "other"), []);
  assert.equal(differences("m", many, pass(89), "other").length, 1);
  assert.equal(likeness("Debian 3.11.2-6+deb12u9", "Debian 3.11.2-6+deb12u9"), "same");
  assert.equal(likeness("Debian 3.11.2-6+deb12u10", "Debian 3.11.2-6+deb12u9"), "release");
  assert.equal(likeness("CPython 3.11.7", "Debian 3.11.2-6+deb12u9"), "other");
});

test("a module that can't be loaded is news", () => {
  assert.deepEqual(differences("m", known, { error: "task_error: x" }, "release"), [
    "m: does not run: task_error: x",
  ]);
});

test("each test is listed once, with a reason that is explained", () => {
  const { reasons, modules, notRun, slice } = readOutcomes();
  for (const [module, { failed, leftOut, either }] of Object.entries(modules)) {
    const names = [failed, leftOut, either].flatMap(allOf);
    assert.equal(new Set(names).size, names.length, module);
    for (const reason of [failed, leftOut, either].flatMap((each) => Object.keys(each ?? {})))
      assert.ok(reasons[reason], `${module}: no reason "${reason}"`);
  }
  for (const reason of Object.keys(notRun)) assert.ok(reasons[reason], reason);
  for (const module of allOf(notRun)) assert.ok(!modules[module], `${module} is run and not run`);
  for (const module of slice) assert.ok(modules[module], module);
});

test("the page in docs has the numbers of the list", () => {
  assert.ok(isCurrent(readOutcomes()), "run node test/cpython/run.ts --docs");
});

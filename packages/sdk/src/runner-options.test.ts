import assert from "node:assert/strict";
import test from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { checkFile, checkRunOptions, checkRuntimeOptions } from "./runner-options.ts";

const problem = (check: () => unknown): string => {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.equal(error.slug, "run-option");
    return error.text;
  }
  return "";
};
const run = (options: unknown): string => problem(() => checkRunOptions(options, true));

test("arguments are JSON text, without those at the end that are undefined", () => {
  const text = (args?: readonly unknown[]): string => checkRunOptions({ file: "a.ts", args }, false);
  assert.equal(text(), "[]");
  assert.equal(text([1, undefined, "a\n", undefined, undefined]), '[1,null,"a\\n"]');
  assert.equal(text([new Date(0), { a: undefined }]), '["1970-01-01T00:00:00.000Z",{}]');
});

test("wrong options are named, with what is allowed", () => {
  const file = "a.ts";
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.match(run(null), /^run: the options are null; allowed: an object/);
  assert.match(
    run("a.ts"),
    /the options are "a\.ts"; allowed: an object such as \{ file: "\.\/sandbox\.ts" \}/,
  );
  assert.match(run([]), /the options are a list/);
  assert.match(run({ file: "" }), /file is ""; allowed: a path/);
  assert.match(run({ file, fiel: 1 }), /no option "fiel"; did you mean "file"\?/);
  assert.match(run({ file, constructor: 1 }), /no option "constructor"/);
  assert.match(run({ file, args: "x" }), /args is "x"; allowed: a list of JSON values/);
  assert.match(run({ file, args: [cycle] }), /argument 1 has a cycle/);
  assert.match(
    run({ file, args: [1, { a: Number.POSITIVE_INFINITY }] }),
    /argument 2 has .*Infinity at \$\.a/,
  );
  assert.match(run({ file, mounts: [1] }), /mounts\[0\] is 1; allowed: a text such as "data:ro"/);
  assert.match(run({ file, env: { A: 1 } }), /env\["A"\] is 1; allowed: a text/);
  assert.match(run({ file, policy: "x" }), /policy is "x"/);
  assert.match(run({ file, sealed: "yes" }), /sealed is "yes"; allowed: true or false/);
  assert.match(run({ file, signal: { aborted: false } }), /allowed: an AbortSignal/);
  assert.match(run({ file, runId: "a".repeat(65) }), /runId is "a{59}…"/);
  assert.match(run({ file, onOutput: 1n }), /onOutput is 1; allowed: a function/);
  assert.match(run({ file, onEvent: Symbol("s") }), /onEvent is Symbol\(s\)/);
  assert.equal(run({ file, cwd: undefined, capsulePath: "x", signal: AbortSignal.abort() }), "");
  assert.match(
    problem(() => checkRunOptions({ file, capsulePath: "x" }, false)),
    /no option "capsulePath"/,
  );
  assert.match(
    problem(() => checkRuntimeOptions({ concurrency: 1.5 })),
    /^createRuntime: concurrency is 1\.5; allowed: an integer of 1 or more/,
  );
  assert.match(
    problem(() => checkFile("a\0b")),
    /^load: the file is /,
  );
});

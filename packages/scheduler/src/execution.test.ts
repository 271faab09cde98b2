import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttemptUsage, ERROR_TYPES, type ErrorType, type Outcome } from "@capsule-run/protocol";
import { begin, type Execution, type ExecutionStep, next, refused } from "./execution.ts";

const usage = (fuel = 10, ram = 100, ms = 1): AttemptUsage => ({
  fuel,
  ram,
  ms,
  requests: [],
});
const failure = (error: ErrorType, used = usage()): Outcome => ({
  ok: false,
  error,
  message: error,
  usage: used,
});
const success = (json: string, used = usage()): Outcome => ({
  ok: true,
  value: Buffer.from(json),
  usage: used,
});

/** Plays outcomes through an execution by a clock of its own: when each attempt starts, and how it ends. */
function play(maxRetries: number, outcomes: readonly Outcome[], random = 0.5) {
  let execution: Execution = begin("t", maxRetries);
  let step: ExecutionStep = { do: "start", attempt: 0 };
  let clock = 0;
  const starts: { readonly at: number; readonly attempt: number }[] = [];
  for (let i = 0; step.do !== "finish"; ) {
    if (step.do === "start") {
      starts.push({ at: clock, attempt: step.attempt });
      const outcome = outcomes[i++];
      assert.ok(outcome, "no more attempts than outcomes");
      ({ execution, step } = next(execution, { type: "attempt_ended", outcome, random }));
    } else {
      clock += step.ms;
      ({ execution, step } = next(execution, { type: "wait_over" }));
    }
  }
  assert.equal(execution.state, "ended");
  return { starts, envelope: step.envelope };
}

test("a success is the envelope, its JSON untouched", () => {
  const { starts, envelope } = play(3, [success('{"n":123456789012345678901}')]);
  assert.deepEqual(starts, [{ at: 0, attempt: 0 }]);
  assert.deepEqual(envelope, {
    success: true,
    resultJson: '{"n":123456789012345678901}',
    execution: {
      task_name: "t",
      duration_ms: 1,
      retries: 0,
      fuel_consumed: 10,
      ram_used: 100,
      host_requests: [],
    },
  });
});

test("retries wait longer and longer, by the clock, and the costs add up", () => {
  const outcomes = [
    failure("task_error", usage(1, 50, 2)),
    failure("timeout", usage(2, 500, 3)),
    failure("out_of_memory", usage(4, 70, 4)),
    failure("internal_error", usage(8, 60, 0.4)),
    success("1", usage(16, 10, 0.3)),
  ];
  const { starts, envelope } = play(4, outcomes, 1);
  assert.deepEqual(
    starts.map(({ at }) => at),
    [0, 100, 300, 700, 1500],
  );
  assert.deepEqual(
    starts.map(({ attempt }) => attempt),
    [0, 1, 2, 3, 4],
  );
  const { retries, fuel_consumed, ram_used, duration_ms } = envelope.execution;
  assert.deepEqual(
    { retries, fuel_consumed, ram_used, duration_ms },
    { retries: 4, fuel_consumed: 31, ram_used: 500, duration_ms: 10 },
  );
});

test("the last failure is the envelope when retries are used up", () => {
  const { starts, envelope } = play(2, [failure("timeout"), failure("timeout"), failure("task_error")]);
  assert.equal(starts.length, 3);
  assert.equal(envelope.success, false);
  assert.equal(!envelope.success && envelope.error.error_type, "task_error");
  assert.equal(envelope.execution.retries, 2);
});

const FINAL: readonly ErrorType[] = [
  "invalid_arguments",
  "invalid_result",
  "cancelled",
  "deadlock",
  "out_of_fuel",
  "stack_overflow",
  "limit_exceeded",
];

for (const error of ERROR_TYPES)
  test(`${error} is ${FINAL.includes(error) ? "not " : ""}retried`, () => {
    const { starts, envelope } = play(1, [failure(error), success("null")]);
    assert.equal(starts.length, FINAL.includes(error) ? 1 : 2);
    assert.equal(envelope.success, !FINAL.includes(error));
  });

test("nothing is retried without being asked for", () => {
  assert.equal(play(0, [failure("task_error")]).starts.length, 1);
});

test("an ended execution takes no events", () => {
  const ended = next(begin("t", 0), { type: "attempt_ended", outcome: success("1"), random: 0 }).execution;
  assert.throws(() => next(ended, { type: "wait_over" }));
});

test("an attempt that may not start ends the execution, with what it cost so far", () => {
  const first = next(begin("t", 0), { type: "refused", message: "no more" });
  assert.deepEqual(first.step, {
    do: "finish",
    envelope: refused("t", { error: "limit_exceeded", message: "no more" }),
  });
  const failed = next(begin("t", 2), {
    type: "attempt_ended",
    outcome: failure("task_error", usage(7)),
    random: 0,
  });
  const { execution } = next(failed.execution, { type: "wait_over" });
  const { step } = next(execution, { type: "refused", message: "no more" });
  assert.ok(step.do === "finish" && !step.envelope.success);
  assert.equal(step.envelope.error.error_type, "limit_exceeded");
  assert.deepEqual([step.envelope.execution.retries, step.envelope.execution.fuel_consumed], [0, 7]);
});

test("states are values: the same event gives the same step, and the old state stays", () => {
  const start = begin("t", 1);
  const before = structuredClone(start);
  const event = { type: "attempt_ended", outcome: failure("timeout"), random: 0.25 } as const;
  assert.deepEqual(next(start, event), next(start, event));
  assert.deepEqual(start, before);
});

test("what never got a sandbox cost nothing", () => {
  const outcome = { ok: false, error: "limit_exceeded", message: "m", usage: usage() } as const;
  const { execution } = refused("t", outcome);
  assert.deepEqual([execution.fuel_consumed, execution.ram_used, execution.retries], [0, 0, 0]);
});

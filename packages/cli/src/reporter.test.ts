import assert from "node:assert/strict";
import { test } from "node:test";
import { type Envelope, UNDECLARED } from "@capsule-run/protocol";
import type { LoadedProgram, RunEvent } from "@capsule-run/runtime";
import { painter } from "./colour.ts";
import { eventLine, programLine, snapshotLines, summaryLine, taskLines } from "./reporter.ts";

const paint = painter({}, false);
const execution = {
  task_name: "main",
  duration_ms: 1234,
  retries: 0,
  fuel_consumed: 45_000,
  ram_used: 1_200_000,
  host_requests: [],
};
const ok: Envelope = { success: true, resultJson: "1", execution };
const failed: Envelope = {
  success: false,
  error: { error_type: "timeout", message: "it took\nlonger than 1 s" },
  execution: { ...execution, retries: 2, task_name: "fetch\u001b[2J" },
};

test("the summary is one line", () => {
  assert.equal(summaryLine(ok, paint), "main ok · 1.23 s · 45,000 fuel · 1.1 MB\n");
  assert.equal(
    summaryLine(failed, paint),
    "fetch\\x1b[2J failed (timeout) · 1.23 s · 45,000 fuel · 1.1 MB · 2 retries\n",
  );
});

test("a line for each event, nested by depth", () => {
  const at = { run: "r", path: "0.3.1", task: "leaf" };
  const lines: readonly (readonly [RunEvent, string])[] = [
    [{ run: "r", path: "0", task: "main", type: "task_queued" }, "    12 ms  main [0] queued\n"],
    [{ ...at, type: "task_queued" }, "    12 ms      leaf [0.3.1] queued\n"],
    [
      { ...at, type: "task_limited", cuts: ['allowed_hosts: "*" is cut to "a.x"', "env\u001b[31m"] },
      '    12 ms      leaf [0.3.1] asks for more than it may have: allowed_hosts: "*" is cut to "a.x"; env\\x1b[31m\n',
    ],
    [{ ...at, type: "attempt_started", attempt: 0 }, "    12 ms      leaf [0.3.1] started\n"],
    [{ ...at, type: "attempt_started", attempt: 1 }, "    12 ms      leaf [0.3.1] started, attempt 2\n"],
    [
      {
        ...at,
        type: "attempt_failed",
        attempt: 0,
        error: "task_error",
        message: "Error: no",
        retryInMs: 100,
      },
      "    12 ms      leaf [0.3.1] attempt 1 failed (task_error): Error: no; retry in 100 ms\n",
    ],
    [
      { ...at, type: "task_ended", envelope: failed },
      "    12 ms      leaf [0.3.1] failed (timeout) · 1.23 s · 45,000 fuel · 1.1 MB · 2 retries: it took\\nlonger than 1 s\n",
    ],
    [{ ...at, type: "tool_called", tool: "search" }, "    12 ms      tools.search [0.3.1] called\n"],
    [
      { ...at, type: "tool_ended", tool: "search", durationMs: 5, error: null },
      "    12 ms      tools.search [0.3.1] ok · 5 ms\n",
    ],
    [
      {
        ...at,
        type: "tool_ended",
        tool: "x\u001b[2J",
        durationMs: 5,
        error: { type: "E\n", message: "a\nb" },
      },
      "    12 ms      tools.x\\x1b[2J [0.3.1] failed (E\\n) · 5 ms: a\\nb\n",
    ],
  ];
  for (const [event, line] of lines) assert.equal(eventLine(event, 12, paint), line);
});

test("what was compiled, when its snapshot was taken and why", () => {
  const program = (snapshot: "after" | "before", cached: boolean): LoadedProgram => ({
    file: "/p/hello.ts",
    cached,
    bytes: 12_600,
    manifest: {
      ...{
        language: "javascript",
        variant: "full",
        needs: [],
        entry: "main",
        engine: "e",
        source: "s",
        output: [],
      },
      snapshot,
      reasons: snapshot === "before" ? ["it asked for the time (hello.ts:1:9)"] : [],
      tasks: [
        {
          name: "main",
          async: false,
          parameters: null,
          policy: { ...UNDECLARED, fuel: 2e9, ram: 64 * 1024 ** 2, timeoutMs: 30_000, maxRetries: 1 },
        },
        {
          name: "leaf",
          async: true,
          parameters: null,
          policy: {
            ...UNDECLARED,
            fuel: 1e8,
            files: [
              { path: "data", mode: "read-write" },
              { path: "docs", mode: "read-only" },
            ],
            hosts: Array.from({ length: 12 }, (_, i) => `h${i}.x`),
            environment: ["KEY"],
          },
        },
      ],
    },
  });
  assert.equal(
    programLine(program("after", false), "hello.ts", 350, paint),
    "hello.ts compiled · 2 tasks · 12.3 kB · 350 ms\n",
  );
  assert.match(programLine(program("after", true), "hello.ts", 1, paint), /found in the cache/);
  assert.match(snapshotLines(program("after", false)), /^snapshot taken after the program was loaded/);
  const pandas = program("after", false);
  const full = { ...pandas, manifest: { ...pandas.manifest, needs: ["report.py:3 imports pandas"] } };
  assert.match(snapshotLines(full), /\non the full engine\n {2}because report\.py:3 imports pandas\n$/);
  assert.match(snapshotLines(program("before", false)), /loads it again\n {2}because it asked for the time/);
  assert.equal(
    taskLines(program("after", false)),
    "  main · sync · 2,000,000,000 fuel · 64.0 MB · 30.00 s · 1 retry\n  leaf · async · 100,000,000 fuel · any memory · no timeout · files data, docs (read-only) · hosts h0.x, h1.x, h2.x, h3.x, h4.x, h5.x, h6.x, h7.x, h8.x, h9.x and 2 more · variables KEY\n",
  );
});

/** Programs that mean to harm the host by what they hand to tools. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LIMITS, type ToolAnswer, type ToolHost } from "@capsule-run/protocol";
import { type GateCall, tool } from "../declare/index.ts";
import { openRemoteTools, openTools } from "./index.ts";

const never = new AbortController().signal;
const calling =
  (host: ToolHost) =>
  async (name: string, args: string, stop = never): Promise<unknown> => {
    const call = { run: "r", task: "main", path: "0.1", name, args, kwargs: null };
    return told(await host.call(call, stop));
  };
const told = (answer: ToolAnswer): unknown =>
  answer.ok ? JSON.parse(answer.json) : `${answer.type}: ${answer.message}`;

test("handlers that go on after they were given up keep their places: a program starts no more than so many", async () => {
  const ends: (() => void)[] = [];
  let gates = 0;
  const deaf = (): Promise<number> => new Promise((resolve) => ends.push(() => resolve(1)));
  const host = await openTools({
    tools: { deaf, late: tool({ timeout: 1, handler: deaf }) },
    gate: () => {
      gates++;
      return { decision: "allow" };
    },
  });
  const call = calling(host);
  for (let n = 0; n < LIMITS.toolCallsAtOnce / 2; n++) {
    const stop = new AbortController();
    const given = call("deaf", "[]", stop.signal);
    await turn();
    stop.abort();
    assert.match(String(await given), /^Cancelled/);
    assert.match(String(await call("late", "[]")), /^Timeout/);
  }
  const stop = new AbortController();
  const [next, other] = [call("deaf", "[]"), call("deaf", "[]", stop.signal)];
  await turn();
  stop.abort();
  assert.equal(await other, "Cancelled: the call was cancelled");
  assert.deepEqual([ends.length, gates], [LIMITS.toolCallsAtOnce, LIMITS.toolCallsAtOnce]);
  ends[0]?.();
  await turn();
  assert.equal(ends.length, LIMITS.toolCallsAtOnce + 1);
  ends.at(-1)?.();
  assert.equal(await next, 1);
});

test("a number that JavaScript has no room for is none, rather than infinite", async () => {
  const seen: unknown[] = [];
  const input = { type: "object", properties: { n: { type: "integer" } } };
  const call = calling(
    await openTools({ tools: { f: (x) => seen.push(x), t: tool({ input, handler: (x) => seen.push(x) }) } }),
  );
  assert.equal(await call("t", '[{"n":1e400}]'), "InvalidInput: $[0].n is a number that is too large");
  assert.match(String(await call("f", `[[[-1e999]]]`)), /^InvalidInput: \$\[0\]\[0\]\[0\] is a number/);
  assert.match(String(await call("f", `[${"9".repeat(400)}]`)), /^InvalidInput/);
  assert.deepEqual(seen, []);
  const texts: string[] = [];
  const remote = calling(
    await openRemoteTools([{ name: "t", input }], async ({ args }) => {
      texts.push(args);
      return { ok: true, json: "1" };
    }),
  );
  assert.match(String(await remote("t", '[{"n":1e400}]')), /^InvalidInput/);
  // Whose integers have any length gets them.
  const long = `[{"n":${"9".repeat(400)}}]`;
  assert.equal(await remote("t", long), 1);
  assert.deepEqual(texts, [long]);
});

test("unique items of an array are found in a time that grows with it, not with its square", {
  timeout: 20_000,
}, async () => {
  const input = { type: "array", uniqueItems: true };
  const call = calling(await openTools({ tools: { t: tool({ input, handler: () => 1 }) } }));
  const items = Array.from({ length: 100_000 }, (_, i) => ({ a: [i, null], b: String(i) }));
  assert.equal(await call("t", JSON.stringify([items])), 1);
  const equal = "InvalidInput: t: input must not have two items that are equal";
  assert.equal(await call("t", '[[{"a":1,"b":[2]},0,{"b":[2.0],"a":1}]]'), equal);
  assert.equal(await call("t", '[["1",1,[1],["1"],{"1":1},null,"null",true,"true",false,0]]'), 1);
});

test("a gate and a handler see the same values, whatever the text repeats, escapes or leaves broken", async () => {
  const gated: unknown[] = [];
  const handled: unknown[] = [];
  const gate = ({ input, args }: GateCall) => {
    gated.push(structuredClone(input));
    // Changing its copies changes nothing.
    Object.assign(input as object, { to: "changed" });
    (args as unknown[]).push("more");
    return { decision: "allow" } as const;
  };
  const input = { type: "object", properties: { to: { enum: ["me"] } } };
  const call = calling(
    await openTools({ gate, tools: { t: tool({ input, handler: (x) => handled.push(x) }) } }),
  );
  for (const args of [
    '[{"to":"you","to":"me"}]',
    '[{"to":"you","t\\u006f":"me","x":"\\ud800","then":{},"toJSON":1,"length":-1}]',
    '[{"hasOwnProperty":1,"valueOf":null,"constructor":"x","":0}]',
  ])
    assert.equal(typeof (await call("t", args)), "number");
  assert.deepEqual(handled, gated);
  assert.match(String(await call("t", '[{"to":"me","to":"you"}]')), /^InvalidInput/);
  assert.match(String(await call("t", '[{"to":"me"},{"to":"you"}]')), /^InvalidInput/);
  assert.equal(handled.length, 3);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, HELLO, result, run, settle } from "./testing.ts";

const tools = [
  {
    name: "add",
    parameters: ["a", "b"],
    input: { properties: { a: { type: "integer" } } },
    output: { type: "integer" },
  },
];
const answers = (client: Client, id: string): unknown =>
  (
    client.messages.find((message) => message.type === "result" && message.id === id)?.envelope as {
      result: unknown;
    }
  )?.result;

test("calls of tools: asked concurrently, answered in any order, by text that stays as it is", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "tools", { tools, args: [[1, 2], [3], ["x"], [5], [6]] }));
  await settle();
  const calls = client.messages.filter(({ type }) => type === "tool_call");
  assert.deepEqual(calls[0], {
    ...{
      type: "tool_call",
      id: "a",
      call: "1",
      tool: "add",
      task: "main",
      path: "0.1",
      args: [1, 2],
      kwargs: {},
    },
  });
  assert.deepEqual(
    calls.map(({ call, args }) => [call, args]),
    [
      ["1", [1, 2]],
      ["2", [3]],
      ["3", [5]],
      ["4", [6]],
    ],
  );
  client.send(
    '{"type":"tool_result","id":"a","call":"3","ok":true,"result":123456789012345678901234567890}',
    result("a", "2", "no number"),
    { type: "tool_result", id: "a", call: "4", ok: false, error: { type: "NotFound", message: "gone" } },
    result("a", "1", 3),
  );
  await settle();
  assert.deepEqual(answers(client, "a"), [
    { ok: true, json: "3" },
    { ok: false, type: "InvalidOutput", message: "add: result must be an integer" },
    { ok: false, type: "InvalidInput", message: "add: input.a must be an integer" },
    { ok: true, json: "123456789012345678901234567890" },
    { ok: false, type: "NotFound", message: "gone" },
  ]);
});

test("answers that nobody waits for are none; answers of calls that never were are refused", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "tools", { tools, args: [[1], [2]] }), run("b", "waits"));
  await settle();
  const before = client.messages.length;
  client.send(result("a", "1", 1), result("a", "1", 2), result("gone", "1", 1));
  assert.equal(client.messages.length, before);
  client.send(result("a", "3", 1), result("a", "0", 1), result("a", "x", 1), result("b", "1", 1), {
    type: "tool_result",
    id: "a",
    call: "2",
    ok: 5,
  });
  const refused = client.messages.slice(before);
  assert.deepEqual(
    refused.map(({ type, id, slug }) => [type, id, slug]),
    Array(5).fill(["error", null, "protocol"]),
  );
  client.send(result("a", "2", 2));
  await settle();
  assert.deepEqual(answers(client, "a"), [
    { ok: true, json: "1" },
    { ok: true, json: "2" },
  ]);
  client.send(result("a", "2", 2));
  assert.equal(client.messages.at(-1)?.type, "result");
});

test("a run that is cancelled cancels its calls; wrong tools keep it from beginning", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "tools", { tools, args: [[1], [2]] }));
  await settle();
  client.send({ type: "cancel", id: "a" });
  await settle();
  assert.deepEqual(
    client.messages.slice(-3).map(({ type, call }) => [type, call]),
    [
      ["tool_cancel", "1"],
      ["tool_cancel", "2"],
      ["result", undefined],
    ],
  );
  client.send(
    run("b", "echo", { tools: [{ name: "a", input: { type: "strin" } }] }),
    run("c", "echo", { tools: [{ name: "a" }, { name: "a" }] }),
  );
  await settle();
  assert.deepEqual([client.about("b"), client.about("c")], [["tool"], ["tool"]]);
});

test("calls wait for a client that does not read, and can be cancelled there", async () => {
  const client = new Client({ unreadBytes: 100, unreadResultBytes: 100_000 });
  client.send(HELLO);
  client.reads = false;
  client.unread = 101;
  client.send(run("a", "tools", { tools, args: [[1]] }), run("b", "tools", { tools, args: [[1]] }));
  await settle();
  client.send({ type: "cancel", id: "b" });
  await settle();
  assert.deepEqual(
    client.messages.filter(({ type }) => String(type).startsWith("tool")),
    [],
  );
  assert.deepEqual(answers(client, "b"), [
    { ok: false, type: "Cancelled", message: "the call was cancelled" },
  ]);
  client.unread = 0;
  await settle();
  assert.deepEqual(client.messages.at(-1)?.type, "tool_call");
  client.send(result("a", "1", 1));
  await settle();
  assert.deepEqual(answers(client, "a"), [{ ok: true, json: "1" }]);
});

test("wrong answers of a client that does not read pile up nothing", async () => {
  const client = new Client({ unreadBytes: 1000, unreadResultBytes: 100_000 });
  client.send(HELLO, run("a", "tools", { tools, args: [[1]] }), run("b", "waits"));
  await settle();
  client.reads = false;
  for (let n = 0; n < 1000; n++) client.send(result("a", "77", 1), result("b", "1", 1));
  assert.ok(client.unread < 2000, `${client.unread} bytes`);
  client.send(result("a", "1", 1));
  await settle();
  assert.deepEqual(answers(client, "a"), [{ ok: true, json: "1" }]);
});

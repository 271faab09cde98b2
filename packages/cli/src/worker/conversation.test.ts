import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRequest } from "@capsule-run/runtime";
import { isUrgent, readIncoming } from "./protocol.ts";
import { Client, execution, HELLO, result, run, settle } from "./testing.ts";

test("hello comes first, once, and in a version that is spoken", async () => {
  const client = new Client();
  client.send(run("a", "echo"), { ...HELLO, version: 2 });
  assert.match(String(client.messages[0]?.text), /"hello" comes before "run"/);
  assert.match(String(client.messages[1]?.text), /version 2 .* is not spoken here; 1 is, by Capsule 9\.9\.9/);
  client.send({ ...HELLO, cwd: "sub", cache_dir: "c", cells: 2, concurrency: 3 }, HELLO);
  assert.deepEqual(client.messages[2], { type: "hello", version: 1, capsule: "9.9.9" });
  assert.match(String(client.messages[3]?.text), /said once/);
  const { cwd, cacheDir, cells, concurrency } = client.options ?? {};
  assert.deepEqual([cwd, cacheDir, cells, concurrency], ["/there/sub", "/there/sub/c", 2, 3]);
});

test("runs: results as they are, wrong use, our bugs; a name can be used again", async () => {
  const client = new Client();
  client.send(
    HELLO,
    run("a", "echo", { args: [1, "x"] }),
    run("b", "big"),
    run("c", "usage"),
    run("d", "bug"),
  );
  await settle();
  assert.ok(client.raw.some((line) => line.includes('"result":{"n":123456789012345678901234567890},')));
  assert.deepEqual(client.about("a"), [{ success: true, result: [1, "x"], error: null, execution }]);
  assert.deepEqual(client.about("c"), ["no-main"]);
  assert.deepEqual(client.about("d"), ["internal"]);
  client.send(run("a", "echo"));
  await settle();
  assert.equal(client.about("a").length, 2);
});

test("every option of a run reaches the runtime", async () => {
  const client = new Client();
  const options = { cwd: "x", env: { A: "b" }, policy: { max_tasks: 1 }, sealed: true, mounts: ["m"] };
  client.send(HELLO, run("a", "echo", { ...options, args: [1], run_id: "mine", output: false }));
  await settle();
  const { signal, onOutput, onEvent, tools, ...request } = client.requests[0] as RunRequest;
  assert.deepEqual(request, { file: "echo", argsJson: "[1]", ...options, runId: "mine" });
  assert.deepEqual([onOutput, onEvent, tools], [undefined, undefined, undefined]);
  assert.ok(signal instanceof AbortSignal);
});

test("a refused line ends no run, whatever id it names", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "waits"), run("a", "echo"), run("a", "echo", { args: 5 }), "garbage", " ", "");
  assert.deepEqual(client.about("a"), []);
  assert.deepEqual(client.about(null), ["protocol", "protocol", "protocol"]);
  assert.deepEqual(
    client.messages.slice(1).map(({ line }) => line),
    [3, 4, 5],
  );
  client.send({ type: "cancel", id: "b" }, { type: "cancel", id: "a" });
  await settle();
  assert.equal((client.about("a")[0] as { error: { error_type: string } }).error.error_type, "cancelled");
});

test("a line that was too long is told", () => {
  const client = new Client();
  client.conversation.take(readIncoming({ number: 1, bytes: null }));
  assert.deepEqual([client.messages[0]?.slug, client.messages[0]?.line], ["limit", 1]);
});

test("so many may be open, and no more", async () => {
  const client = new Client();
  client.send(HELLO);
  for (let i = 0; i < 1001; i++) client.send(run(`r${i}`, "waits"));
  assert.deepEqual(client.about("r1000"), ["limit"]);
  await settle();
  await client.conversation.close();
  assert.equal(client.messages.filter(({ type }) => type === "result").length, 1000);
});

test("loads: what is in the program, and their cancellation", async () => {
  const client = new Client();
  client.send(
    HELLO,
    { type: "load", id: "l", file: "a.py" },
    { type: "load", id: "m", file: "b.py", cwd: "s" },
  );
  client.send({ type: "load", id: "slow", file: "slow" });
  await settle();
  const loaded = {
    type: "loaded",
    cached: true,
    bytes: 5,
    language: "python",
    entry: "main",
    tasks: ["main"],
  };
  assert.deepEqual(
    client.messages.slice(1),
    [
      { ...loaded, id: "l", file: "a.py" },
      { ...loaded, id: "m", file: "/there/s/b.py" },
    ].map(({ type, id, file, ...rest }) => ({ type, id, file, ...rest })),
  );
  client.send({ type: "cancel", id: "slow" });
  await settle();
  assert.deepEqual(client.about("slow"), ["cancelled"]);
});

test("output: text, or base64 where it is no whole UTF-8", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "prints"));
  await settle();
  const printed = client.messages.filter(({ type }) => type === "output");
  assert.deepEqual(
    printed.map(({ text, base64 }) => [text, base64]),
    [
      ["é\n", undefined],
      [undefined, "ww=="],
      [undefined, "qQo="],
      ["\ufeffx", undefined],
    ],
  );
  assert.deepEqual(Object.keys(printed[0] ?? {}), ["type", "id", "stream", "task", "path", "text"]);
});

test("an event leaves a long result out", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "long", { events: true }));
  await settle();
  const [event, result] = client.messages.slice(1) as {
    omitted_bytes: number;
    envelope: { result: string };
  }[];
  assert.deepEqual([event?.omitted_bytes, event?.envelope.result], [80_002, null]);
  assert.equal(result?.envelope.result.length, 40_000);
});

test("a client that does not read: output is dropped with a notice, results are kept", async () => {
  const client = new Client({ unreadBytes: 1000, unreadResultBytes: 100_000 });
  client.send(HELLO);
  client.reads = false;
  client.send(run("a", "floods", { events: true }));
  await settle();
  const types = client.messages.slice(1).map(({ type }) => type);
  const sent = types.filter((type) => type === "output").length;
  assert.ok(sent > 2 && sent < 10, `${sent}`);
  assert.deepEqual(types.slice(sent), ["dropped", "result"]);
  const dropped = client.messages.at(-2);
  assert.deepEqual([dropped?.output_bytes, dropped?.events], [(20 - sent) * 100, 1]);
});

test("a client that reads nothing for long: a result is an error instead", async () => {
  const client = new Client({ unreadBytes: 10, unreadResultBytes: 100 });
  client.send(HELLO);
  client.reads = false;
  client.send(run("a", "big"));
  await settle();
  assert.deepEqual(client.about("a"), ["limit"]);
});

test("close cancels all and answers all, then says so", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "waits"), { type: "load", id: "l", file: "slow" });
  await settle();
  assert.equal(client.send({ type: "close" }), false);
  await client.conversation.close();
  assert.deepEqual(
    client.messages.map(({ type }) => type),
    ["hello", "result", "error", "closed"],
  );
});

test("nothing begins when it is being closed", async () => {
  const client = new Client();
  client.send(HELLO);
  const closed = client.conversation.close();
  assert.equal(client.send(run("a", "echo")), false);
  await closed;
  assert.deepEqual([client.requests, client.messages.at(-1)], [[], { type: "closed" }]);
});

test("a cancellation and the end are heard while the client does not read, the rest waits", () => {
  const urgent = (message: object | string): boolean =>
    isUrgent(readIncoming({ number: 1, bytes: Buffer.from(JSON.stringify(message)) }));
  assert.deepEqual([{ type: "cancel", id: "a" }, { type: "close" }, result("a", "1", 1)].map(urgent), [
    true,
    true,
    true,
  ]);
  assert.deepEqual([HELLO, run("a", "echo"), "garbage"].map(urgent), [false, false, false]);
});

test("warnings, and progress: each step, its end once, nothing while the client does not read", () => {
  const client = new Client({ unreadBytes: 100, unreadResultBytes: 1000 });
  client.send(HELLO);
  const { onProgress, onWarning } = client.options ?? {};
  onProgress?.(null);
  onProgress?.({ text: "fetching", done: 1, total: 2 });
  onProgress?.(null);
  onProgress?.(null);
  onWarning?.("careful");
  client.unread = 101;
  onProgress?.({ text: "fetching", done: 2, total: 2 });
  onWarning?.("careful still");
  assert.deepEqual(client.messages.slice(1), [
    { type: "progress", text: "fetching", done: 1, total: 2 },
    { type: "progress", text: null, done: 0, total: 0 },
    { type: "warning", message: "careful" },
    { type: "warning", message: "careful still" },
  ]);
});

test("close without a hello", async () => {
  const client = new Client();
  await client.conversation.close();
  assert.deepEqual(client.messages, [{ type: "closed" }]);
});

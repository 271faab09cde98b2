import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Envelope, UNDECLARED, UsageError } from "@capsule-run/protocol";
import type { RunRequest, Runtime, RuntimeOptions, ToolAnswer } from "@capsule-run/runtime";
import { openRemoteTools } from "@capsule-run/tools";
import { Outbox, type OutboxLimits } from "./outbox.ts";
import { isUrgent, readIncoming } from "./protocol.ts";
import { Session } from "./session.ts";
import { aborted } from "./wait.ts";

const execution = {
  task_name: "main",
  duration_ms: 3,
  retries: 0,
  fuel_consumed: 45_000,
  ram_used: 1_200_000,
  host_requests: [],
};
const success = (resultJson: string): Envelope => ({ success: true, resultJson, execution });
const CANCELLED: Envelope = {
  success: false,
  error: { error_type: "cancelled", message: "cancelled" },
  execution,
};

/** What programs do, by their names. */
const PROGRAMS: Readonly<Record<string, (request: RunRequest) => Promise<Envelope>>> = {
  echo: async ({ argsJson = "[]" }) => success(argsJson),
  waits: async ({ signal }) => {
    await aborted(signal as AbortSignal);
    return CANCELLED;
  },
  big: async () => success('{"n":123456789012345678901234567890}'),
  long: async ({ onEvent }) => {
    const envelope = success(JSON.stringify("é".repeat(40_000)));
    onEvent?.({ run: "r1", path: "0", task: "main", type: "task_ended", envelope });
    return envelope;
  },
  // Calls the tool `add` as often as it is told, one after the other or all at once, and gives the answers.
  tools: async ({ tools, argsJson = "[]", signal }) => {
    const call = (args: string, path: string): Promise<ToolAnswer> => {
      assert.ok(tools && signal);
      return tools.call({ run: "r1", task: "main", path, name: "add", args, kwargs: null }, signal);
    };
    const calls = (JSON.parse(argsJson) as unknown[]).map((args, at) =>
      call(JSON.stringify(args), `0.${at + 1}`),
    );
    return success(JSON.stringify(await Promise.all(calls)));
  },
  usage: async () => {
    throw new UsageError("no-main", "there is no main");
  },
  bug: async () => {
    throw new TypeError("ours");
  },
  prints: async ({ onOutput }) => {
    for (const bytes of [
      Buffer.from("é\n"),
      Buffer.from([0xc3]),
      Buffer.from([0xa9, 10]),
      Buffer.from("\ufeffx"),
    ])
      onOutput?.({ stream: "stdout", bytes, task: "main", path: "0" });
    return success("null");
  },
  floods: async ({ onOutput, onEvent }) => {
    for (let i = 0; i < 20; i++)
      onOutput?.({ stream: "stderr", bytes: Buffer.from("x".repeat(100)), task: "main", path: "0" });
    onEvent?.({ run: "r1", path: "0", task: "main", type: "task_queued" });
    return success('"done"');
  },
};

/** A session with a client that reads when it is told to. */
class Client {
  readonly messages: Record<string, unknown>[] = [];
  readonly raw: string[] = [];
  options: RuntimeOptions | null = null;
  requests: RunRequest[] = [];
  readonly session: Session;
  #number = 0;
  unread = 0;
  reads = true;

  constructor(limits?: OutboxLimits) {
    const write = (line: string | Uint8Array): void => {
      const text = line.toString();
      assert.equal(text.indexOf("\n"), text.length - 1);
      this.raw.push(text);
      this.messages.push(JSON.parse(text));
      if (!this.reads) this.unread += text.length;
    };
    const client = this;
    const sink = {
      write,
      get unread() {
        return client.unread;
      },
      fallen: async () => {
        while (client.unread > (limits?.unreadBytes ?? 1e9)) await delay(1, null, { ref: false });
      },
    };
    this.session = new Session({
      outbox: new Outbox(sink, limits),
      version: "9.9.9",
      cwd: "/there",
      openTools: openRemoteTools,
      createRuntime: async (options) => {
        this.options = options;
        return this.#runtime();
      },
      createCodeRuntime: () => assert.fail("no code was run"),
    });
  }

  #runtime(): Runtime {
    return {
      openSession: async () => assert.fail("a worker opens no session of programs"),
      load: async (file) => {
        if (file.endsWith("slow")) await delay(60_000, null, { ref: false });
        return {
          file,
          cached: true,
          bytes: 5,
          manifest: {
            ...{ language: "python", variant: "core", needs: [], entry: "main", engine: "e", source: "s" },
            ...{ snapshot: "after", reasons: [], output: [] },
            tasks: [{ name: "main", async: false, parameters: null, policy: UNDECLARED }],
          },
        };
      },
      export: () => Promise.reject(new Error("not asked for")),
      run: async (request) => {
        this.requests.push(request);
        const program = PROGRAMS[request.file];
        assert.ok(program);
        return { run: "r1", envelope: await program(request) };
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }

  send(...messages: readonly (string | object)[]): boolean {
    return messages
      .map((message) => (typeof message === "string" ? message : JSON.stringify(message)))
      .map((text) => this.session.take(readIncoming({ number: ++this.#number, bytes: Buffer.from(text) })))
      .every(Boolean);
  }

  /** What came of an id, or of no id at all, without what is the same in all. */
  about(id: string | null): unknown[] {
    return this.messages
      .filter((message) => (message.id ?? null) === id && message.type !== "hello")
      .map((message) => message.envelope ?? message.slug ?? message.type);
  }
}

const HELLO = { type: "hello", version: 1 };
const run = (id: string, file: string, more: object = {}) => ({ type: "run", id, file, ...more });
const settle = (): Promise<void> => delay(5);

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
  client.session.take(readIncoming({ number: 1, bytes: null }));
  assert.deepEqual([client.messages[0]?.slug, client.messages[0]?.line], ["limit", 1]);
});

test("so many may be open, and no more", async () => {
  const client = new Client();
  client.send(HELLO);
  for (let i = 0; i < 1001; i++) client.send(run(`r${i}`, "waits"));
  assert.deepEqual(client.about("r1000"), ["limit"]);
  await settle();
  await client.session.close();
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

const tools = [
  {
    name: "add",
    parameters: ["a", "b"],
    input: { properties: { a: { type: "integer" } } },
    output: { type: "integer" },
  },
];
const result = (id: string, call: string, value: unknown) => ({
  type: "tool_result",
  id,
  call,
  ok: true,
  result: value,
});
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

test("close cancels all and answers all, then says so", async () => {
  const client = new Client();
  client.send(HELLO, run("a", "waits"), { type: "load", id: "l", file: "slow" });
  await settle();
  assert.equal(client.send({ type: "close" }), false);
  await client.session.close();
  assert.deepEqual(
    client.messages.map(({ type }) => type),
    ["hello", "result", "error", "closed"],
  );
});

test("nothing begins when it is being closed", async () => {
  const client = new Client();
  client.send(HELLO);
  const closed = client.session.close();
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
  await client.session.close();
  assert.deepEqual(client.messages, [{ type: "closed" }]);
});

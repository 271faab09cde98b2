import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type {
  CodeCallOptions,
  CodeRuntime,
  CodeSandboxOptions,
  CodeSession,
  Execution,
} from "@capsule-run/code";
import { aborted, UsageError } from "@capsule-run/protocol";
import { Conversation } from "./conversation.ts";
import { Outbox } from "./outbox.ts";
import { readIncoming } from "./protocol.ts";

const execution = (fields: Partial<Execution>): Execution => ({
  ...{ ok: true, value: null, valueJson: null, valueText: null, hasValue: false, stdout: "", stderr: "" },
  ...{ truncated: false, outputs: [], files: [], error: null, memory: "kept", notice: null },
  metrics: { durationMs: 1, fuelConsumed: 2, ramUsed: 3, hostRequests: [] },
  ...fields,
});

/** Code is the name of what it does. */
async function perform(code: string, { signal, onOutput, tools }: CodeCallOptions): Promise<Execution> {
  if (code === "calls") {
    const call = { run: "r", task: "main", path: "0.1", name: "price", args: '["pear"]', kwargs: null };
    const answer = await tools?.call(call, signal as AbortSignal);
    return execution({ stdout: JSON.stringify(answer) });
  }
  if (code === "big")
    return execution({
      hasValue: true,
      value: 1e25,
      valueJson: "12345678901234567890123456",
      valueText: "1",
    });
  if (code === "prints") onOutput?.({ stream: "stdout", text: "é" });
  if (code === "waits") {
    await aborted(signal as AbortSignal);
    return execution({ ok: false, error: { kind: "cancelled", message: "cancelled" } });
  }
  return execution({ stdout: code });
}

class Client {
  readonly messages: Record<string, unknown>[] = [];
  readonly raw: string[] = [];
  readonly log: unknown[] = [];
  readonly conversation: Conversation;
  #number = 0;

  constructor() {
    const write = (line: string | Uint8Array): void => {
      this.raw.push(line.toString());
      this.messages.push(JSON.parse(line.toString()));
    };
    const runtime = {
      openSession: async () => assert.fail(),
      load: async () => assert.fail(),
      run: async () => assert.fail(),
      export: async () => assert.fail(),
    };
    const close = async (): Promise<void> => {};
    this.conversation = new Conversation({
      outbox: new Outbox({ write, unread: 0, fallen: async () => {} }),
      version: "9.9.9",
      cwd: "/there",
      createRuntime: async () => ({ ...runtime, close, [Symbol.asyncDispose]: close }),
      createCodeRuntime: () => this.#runtime(),
      openTools: async (tools, perform) => ({ names: tools.map(({ name }) => name), call: perform }),
    });
    this.send({ type: "hello", version: 1 });
  }

  #runtime(): CodeRuntime {
    const { log } = this;
    log.push("runtime");
    const close = async (): Promise<void> => void log.push("close");
    return {
      execute: (code, options = {}) => {
        log.push({ ...options, onOutput: typeof options.onOutput, signal: undefined });
        return perform(code, options);
      },
      openSession: async (options = {}) => {
        await delay(5);
        return this.#session(options);
      },
      load: async (language) => void log.push(`load ${language}`),
      ...{ close, [Symbol.asyncDispose]: close },
    };
  }

  #session({ language = "python", hosts }: CodeSandboxOptions): CodeSession {
    const { log } = this;
    if (hosts?.includes("wrong")) throw new UsageError("policy", "no such host");
    log.push(`open ${language}`);
    const noted =
      <R>(name: string, result: R) =>
      async (...values: unknown[]): Promise<R> => {
        log.push([name, ...values]);
        return result;
      };
    const file = { path: "a", size: 1 };
    const close = noted("close session", undefined);
    return {
      ...{ language, workspace: "/w", close, [Symbol.asyncDispose]: close },
      run: (code, options = {}) => {
        log.push(code);
        return perform(code, options);
      },
      reset: noted("reset", undefined),
      importFile: noted("import", [file]),
      exportFile: noted("export", undefined),
      writeFile: noted("write", file),
      readFile: noted("read", new Uint8Array([0, 255])),
      deleteFile: noted("delete", undefined),
      listFiles: noted("list", [file]),
    };
  }

  send(...messages: readonly object[]): void {
    for (const message of messages)
      this.conversation.take(
        readIncoming({ number: ++this.#number, bytes: Buffer.from(JSON.stringify(message)) }),
      );
  }

  about(id: string): Record<string, unknown>[] {
    return this.messages.filter((message) => message.id === id);
  }
}

const settle = (): Promise<void> => delay(15);

test("code that is run at once", async () => {
  const client = new Client();
  assert.equal(client.log.length, 0);
  const files = { a: "x", b: { base64: "AP8=" } };
  client.send(
    { type: "execute", id: "1", code: "big", language: "javascript", files },
    { type: "execute", id: "2", code: "prints", output: false, export_to: "out" },
    { type: "execute", id: "3", code: "prints" },
    { type: "code_load", id: "4", language: "python" },
  );
  await settle();
  assert.ok(client.raw.some((line) => line.includes('"value":12345678901234567890123456,')));
  const [answer] = client.about("1") as [{ execution: Record<string, unknown> }];
  assert.deepEqual(answer.execution, {
    ...{ ok: true, value: 1.2345678901234568e25, value_text: "1", has_value: true, is_json: true },
    ...{ stdout: "", stderr: "", truncated: false, outputs: [], files: [], error: null, memory: "kept" },
    notice: null,
    metrics: { duration_ms: 1, fuel_consumed: 2, ram_used: 3, host_requests: [] },
  });
  assert.deepEqual(
    client.about("2").map(({ type }) => type),
    ["executed"],
  );
  assert.deepEqual(client.about("3")[0], { type: "output", id: "3", stream: "stdout", text: "é" });
  assert.deepEqual(client.about("4"), [{ type: "done", id: "4" }]);
  assert.equal(client.log.filter((entry) => entry === "runtime").length, 1);
  const options = client.log.find((entry) => (entry as { files?: object }).files) as {
    files: object;
    onOutput: string;
  };
  assert.deepEqual(options.files, { a: "x", b: Buffer.from([0, 255]) });
  assert.equal(options.onOutput, "function");
  assert.ok(client.log.some((entry) => (entry as { exportTo?: string }).exportTo === "/there/out"));
});

test("a session: what is asked before it is open waits, and goes in order", async () => {
  const client = new Client();
  const about = { session: "s" };
  client.send(
    { type: "session_open", id: "1", ...about, language: "javascript" },
    { type: "session_run", id: "2", ...about, code: "one" },
    { type: "session_run", id: "3", ...about, code: "two" },
    { type: "session_open", id: "4", ...about },
  );
  await settle();
  assert.deepEqual(client.about("1"), [{ type: "session", id: "1", session: "s", workspace: "/w" }]);
  assert.deepEqual(client.log, ["runtime", "open javascript", "one", "two"]);
  assert.match(String(client.about("4")[0]?.text), /a session "s" is open already/);
  client.log.length = 0;
  const file = { type: "session_file", ...about };
  client.send(
    { ...file, id: "5", operation: "import", path: "x/y" },
    { ...file, id: "6", operation: "export", name: "a", path: "/z" },
    { ...file, id: "7", operation: "write", name: "a", data: "t" },
    { ...file, id: "8", operation: "read", name: "a" },
    { ...file, id: "9", operation: "delete", name: "a" },
    { ...file, id: "10", operation: "list" },
    { type: "session_reset", id: "11", ...about },
  );
  await settle();
  assert.deepEqual(client.log, [
    ["import", "/there/x/y", undefined],
    ["export", "a", "/z"],
    ["write", "a", "t"],
    ["read", "a"],
    ["delete", "a"],
    ["list", undefined],
    ["reset"],
  ]);
  const files = [{ path: "a", size: 1 }];
  assert.deepEqual(client.about("5"), [{ type: "done", id: "5", files }]);
  assert.deepEqual(client.about("8"), [{ type: "done", id: "8", base64: "AP8=" }]);
  assert.deepEqual(client.about("9"), [{ type: "done", id: "9" }]);
  assert.deepEqual(client.about("10"), [{ type: "done", id: "10", files }]);
});

test("tools of the client, at once and in a session, whose calls stay in their order", async () => {
  const client = new Client();
  const tools = [{ name: "price" }];
  client.send(
    { type: "execute", id: "1", code: "calls", tools },
    { type: "session_open", id: "2", session: "s" },
    { type: "session_run", id: "3", session: "s", code: "calls", tools },
    { type: "session_run", id: "4", session: "s", code: "plain" },
  );
  await settle();
  assert.deepEqual(client.log.slice(-2), ["calls", "plain"]);
  for (const id of ["1", "3"]) {
    const [asked] = client.about(id);
    assert.deepEqual([asked?.type, asked?.tool, asked?.args], ["tool_call", "price", ["pear"]]);
    client.send({ type: "tool_result", id, call: asked?.call, ok: true, result: 1.5 });
  }
  await settle();
  for (const id of ["1", "3"]) {
    const [, answer] = client.about(id) as [unknown, { execution: { stdout: string } }];
    assert.deepEqual(JSON.parse(answer.execution.stdout), { ok: true, json: "1.5" });
  }
});

test("a session that could not open, was closed, or never was", async () => {
  const client = new Client();
  client.send(
    { type: "session_open", id: "1", session: "s", hosts: ["wrong"] },
    { type: "session_run", id: "2", session: "s", code: "one" },
  );
  await settle();
  assert.deepEqual(
    ["1", "2"].map((id) => client.about(id)[0]?.slug),
    ["policy", "policy"],
  );
  client.send(
    { type: "session_open", id: "3", session: "s" },
    { type: "session_close", id: "4", session: "s" },
  );
  client.send({ type: "session_run", id: "5", session: "s", code: "one" });
  await settle();
  assert.deepEqual(client.about("4"), [{ type: "done", id: "4" }]);
  assert.equal(client.about("5")[0]?.slug, "no-session");
  assert.match(String(client.about("5")[0]?.text), /there is no session "s"/);
});

test("a message about files that lacks something, or has too much", async () => {
  const client = new Client();
  client.send({ type: "session_open", id: "1", session: "s" });
  const file = { type: "session_file", session: "s" };
  client.send(
    { ...file, id: "2", operation: "import" },
    { ...file, id: "3", operation: "list", path: "/etc" },
  );
  await settle();
  assert.match(String(client.about("2")[0]?.text), /"import" needs "path"/);
  assert.match(String(client.about("3")[0]?.text), /"list" takes no "path"/);
});

test("what is cancelled says so; closing ends everything", async () => {
  const client = new Client();
  client.send(
    { type: "execute", id: "1", code: "waits" },
    { type: "session_open", id: "2", session: "s" },
    { type: "session_open", id: "3", session: "t" },
    { type: "session_run", id: "4", session: "s", code: "waits" },
    { type: "cancel", id: "1" },
    { type: "cancel", id: "3" },
  );
  await settle();
  const kindOf = (id: string): unknown =>
    (client.about(id)[0] as { execution: { error: { kind: string } } }).execution.error.kind;
  assert.equal(kindOf("1"), "cancelled");
  assert.equal(client.about("3")[0]?.slug, "cancelled");
  assert.deepEqual(client.log.at(-1), ["close session"]);
  await client.conversation.close();
  assert.equal(kindOf("4"), "cancelled");
  assert.equal(client.log.at(-1), "close");
  assert.deepEqual(client.messages.at(-1), { type: "closed" });
});

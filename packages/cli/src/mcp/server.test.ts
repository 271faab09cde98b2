import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type CallToolResult, Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { Desk } from "./desk.ts";
import { MCP_LIMITS } from "./limits.ts";
import { createServer } from "./server.ts";
import { type McpSettings, readSettings } from "./settings.ts";
import { FakeCode } from "./testing.ts";

interface Connection extends AsyncDisposable {
  readonly client: Client;
  readonly code: FakeCode;
  readonly desk: Desk;
  readonly logged: string[];
  call(name: string, args?: Record<string, unknown>): Promise<CallToolResult>;
  /** The text of an answer. */
  text(name: string, args?: Record<string, unknown>): Promise<string>;
}

const textOf = (result: CallToolResult): string =>
  result.content.map((block) => (block.type === "text" ? block.text : `<${block.type}>`)).join("\n");

async function connect(settings: Partial<McpSettings> = {}): Promise<Connection> {
  const code = new FakeCode();
  const logged: string[] = [];
  const desk = new Desk({
    settings: { ...readSettings(new Map(), [], {}), ...settings },
    log: (text) => logged.push(text),
    isFull: () => false,
    createCodeRuntime: () => code,
  });
  const [here, there] = InMemoryTransport.createLinkedPair();
  await createServer(desk).connect(there as never);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(here);
  const call = (name: string, args: Record<string, unknown> = {}) =>
    client.callTool({ name, arguments: args });
  return {
    ...{ client, code, desk, logged, call },
    text: async (name, args) => textOf(await call(name, args)),
    [Symbol.asyncDispose]: async () => {
      await desk.close();
      await client.close();
    },
  };
}

async function openSession({ call }: Connection, args: Record<string, unknown> = {}): Promise<string> {
  const { structuredContent } = await call("create_session", args);
  return (structuredContent as { session_id: string }).session_id;
}

const TOOLS = ["execute_python", "execute_javascript", "create_session", "run_in_session"].concat([
  ...["list_sessions", "close_session", "write_file", "read_file", "list_files"],
]);

test("nine tools, each with title, description, schemas and all annotations", async () => {
  await using connection = await connect();
  const { tools } = await connection.client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    TOOLS,
  );
  for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
    assert.ok(title && description && description.length > 40, name);
    assert.equal(inputSchema.type, "object");
    assert.equal(outputSchema?.type, "object");
    const hints = ["destructiveHint", "idempotentHint", "openWorldHint", "readOnlyHint"];
    assert.deepEqual(Object.keys(annotations ?? {}).sort(), hints, name);
  }
  assert.match(connection.client.getInstructions() ?? "", /at most 1 min 0 s.*no network/);
});

test("what may be reached decides what the annotations say", async () => {
  for (const hosts of [[], ["api.example.com"]]) {
    await using connection = await connect({ hosts });
    const { tools } = await connection.client.listTools();
    const hints = new Map(tools.map(({ name, annotations }) => [name, annotations]));
    const open = hosts.length > 0;
    for (const name of ["execute_python", "execute_javascript"])
      assert.deepEqual(hints.get(name), {
        readOnlyHint: !open,
        destructiveHint: open,
        idempotentHint: !open,
        openWorldHint: open,
      });
    assert.equal(hints.get("run_in_session")?.openWorldHint, open);
    assert.equal(hints.get("read_file")?.readOnlyHint, true);
  }
});

test("code runs with what the operator allows, and with less if it asks", async () => {
  await using connection = await connect({ hosts: ["*.example.com"], timeoutMs: 5000 });
  const { call, code, text } = connection;
  await call("execute_python", { code: "echo a" });
  await call("execute_javascript", {
    code: "echo a",
    timeout: "1s",
    ram: "64MB",
    disk: "10MB",
    compute: "LOW",
    allowed_hosts: [],
  });
  await call("execute_python", {
    code: "echo a",
    timeout: "1h",
    ram: "4GB",
    disk: "2GB",
    allowed_hosts: ["a.example.com"],
  });
  await call("create_session", { timeout: 100, allowed_hosts: ["*.example.com"] });
  const seen = code.options.map(({ language, limits, hosts }) => ({ language, ...limits, hosts }));
  const all = { compute: 50_000_000_000, ram: 2 * 1024 ** 3, disk: 1024 ** 3, timeout: 5000 };
  // What asks for too much gets what is within.
  await call("execute_python", { code: "echo a", allowed_hosts: ["*"] });
  assert.deepEqual(code.options.at(-1)?.hosts, ["*.example.com"]);
  assert.deepEqual(seen, [
    { language: "python", ...all, hosts: ["*.example.com"] },
    {
      language: "javascript",
      compute: 100_000_000,
      ram: 64 * 1024 ** 2,
      disk: 10 * 1024 ** 2,
      timeout: 1000,
      hosts: [],
    },
    { language: "python", ...all, hosts: ["a.example.com"] },
    { language: "python", ...all, timeout: 100, hosts: ["*.example.com"] },
  ]);
  for (const host of ["example.com", "other.org", "127.0.0.1", "localhost"])
    assert.match(
      await text("execute_python", { code: "echo", allowed_hosts: [host] }),
      /does not allow the host .*it allows \*\.example\.com/,
    );
  assert.match(await text("execute_python", { code: "echo", timeout: "soon" }), /timeout can't be "soon"/);
  assert.match(await text("execute_python", { code: "echo", allowed_hosts: ["a b"] }), /"a b" is no host/);
});

test("what code did is text and structure; what it did wrong is an error with the traceback", async () => {
  await using connection = await connect();
  const { call, code } = connection;
  code.answer = {
    ...{
      stdout: "printed\n",
      stderr: "warned\n",
      value: 16,
      valueJson: "16",
      valueText: "16",
      hasValue: true,
    },
    files: [{ path: "a.csv", size: 2000 }],
    outputs: [
      { type: "text/html", data: "<b>16</b>" },
      { type: "image/png", data: "iVBORw0KGgo=" },
    ],
    notice: "something to know",
  };
  const result = await call("execute_python", { code: "x" });
  assert.equal(result.isError, false);
  assert.equal(
    textOf(result),
    "printed\n16\nstderr:\nwarned\nfiles written: a.csv (2.0 kB)\n[something to know]\n<image>",
  );
  const answer = result.structuredContent as Record<string, unknown>;
  assert.deepEqual(
    [answer.value, answer.value_text, answer.stdout, answer.memory],
    [16, "16", "printed\n", null],
  );
  assert.deepEqual(answer.outputs, [{ type: "text/html", text: "<b>16</b>" }]);
  const failed = await call("execute_python", { code: "raise" });
  assert.equal(failed.isError, true);
  assert.match(textOf(failed), /^Traceback[\s\S]*ValueError: no$/);
  assert.equal((failed.structuredContent as { error: { name: string } }).error.name, "ValueError");
  code.answer = { ok: false, error: { kind: "timeout", message: "too long; raise `limits.timeout`" } };
  assert.equal(textOf(await call("execute_python", { code: "x" })), "timeout: too long; raise `timeout`");
});

test("images that code leaves in its workspace come with the answer", async () => {
  await using connection = await connect();
  const result = await connection.call("execute_python", { code: "write plot.png" });
  assert.deepEqual(result.content.at(-1), { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" });
  const other = await connection.call("execute_python", { code: "write plot.txt" });
  assert.ok(other.content.every(({ type }) => type === "text"));
});

test("long texts are cut in the middle, with a notice; too many and too large images are left out", async () => {
  await using connection = await connect();
  const { call, code } = connection;
  const long = `${"a".repeat(30_000)}${"z".repeat(30_000)}`;
  const large = `iVBORw0KGgoA${Buffer.alloc(3 * 1024 * 1024).toString("base64")}`;
  code.answer = {
    ...{ stdout: long, value: long, valueJson: JSON.stringify(long), valueText: long, hasValue: true },
    outputs: [
      ...Array(12).fill({ type: "image/png", data: "iVBORw0KGgo=" }),
      ...Array(2).fill({ type: "image/png", data: large }),
    ],
    files: Array.from({ length: 600 }, (_, i) => ({ path: `f${i}`, size: 1 })),
  };
  const result = await call("execute_python", { code: "x" });
  const answer = result.structuredContent as Record<string, unknown> & { stdout: string; files: unknown[] };
  assert.ok(answer.stdout.length < MCP_LIMITS.textCharacters + 100);
  assert.match(answer.stdout, /^a+\n\[… 40,000 of 60,000 characters left out …\]\nz+$/);
  assert.deepEqual([answer.value, answer.truncated, answer.files.length], [null, true, 500]);
  assert.equal(result.content.filter(({ type }) => type === "image").length, 10);
  assert.match(textOf(result), /4 images were left out.*600 files were written, of which 500 are listed/s);
});

test("what a terminal acts on is escaped where clients print it, and as it is in the structure", async () => {
  await using connection = await connect();
  const { call, code } = connection;
  const escapes = "\x1b]0;owned\x07\x9b2J";
  code.answer = {
    ...{ stdout: `${escapes}\n1\r2\r\n`, stderr: "\x1b[31mred", valueText: "👨‍👩‍👧 \x7f" },
    files: [{ path: "a\n\x1b[2J", size: 1 }],
  };
  const result = await call("execute_python", { code: "x" });
  assert.equal(
    textOf(result),
    "\\x1b]0;owned\\x07\\x9b2J\n1\\r2\r\n👨‍👩‍👧 \\x7f\nstderr:\n\\x1b[31mred\nfiles written: a\\n\\x1b[2J (1 B)",
  );
  assert.equal((result.structuredContent as { stdout: string }).stdout, `${escapes}\n1\r2\r\n`);
  const opened = await call("create_session", {});
  const { session_id } = opened.structuredContent as { session_id: string };
  await call("write_file", { session_id, path: "\x1b[2J", content: escapes });
  for (const [tool, args] of [
    ["read_file", { path: "\x1b[2J" }],
    ["list_files", {}],
    ["read_file", { path: "\x1b[3J" }],
  ] as const)
    assert.doesNotMatch(textOf(await call(tool, { session_id, ...args })), /(?!\n)\p{Cc}/u, tool);
});

test("an image is what its bytes are, whatever code says of it", async () => {
  await using connection = await connect();
  const encoded = (text: string): string => Buffer.from(text).toString("base64");
  connection.code.answer = {
    outputs: [
      { type: "image/png", data: encoded("<svg onload='alert(1)'/>") },
      { type: "image/png", data: encoded("GIF89a") },
      { type: "image/webp", data: "" },
    ],
  };
  const result = await connection.call("execute_javascript", { code: "x" });
  const images = result.content.filter(({ type }) => type === "image");
  assert.deepEqual(images, [{ type: "image", data: encoded("GIF89a"), mimeType: "image/gif" }]);
  assert.match(textOf(result), /2 images were left out, being none/);
});

test("a mistake of ours is an error without a stack, and a line in the log", async () => {
  await using connection = await connect();
  const result = await connection.call("execute_python", { code: "crash" });
  assert.deepEqual([result.isError, textOf(result)], [true, "internal error: something is broken"]);
  assert.match(connection.logged.join("\n"), /internal error: Error: something is broken\n\s+at /);
});

test("sessions keep their language and options, are listed, and are gone when closed", async () => {
  await using connection = await connect();
  const { call, text, code } = connection;
  assert.equal(await text("list_sessions"), "no session is open");
  const id = await openSession(connection, { language: "javascript" });
  assert.match(id, /^javascript-[0-9a-f]{8}$/);
  assert.equal(await text("run_in_session", { session_id: id, code: "echo hi" }), "hi");
  const ran = await call("run_in_session", { session_id: id, code: "json [1]" });
  assert.equal((ran.structuredContent as { memory: string }).memory, "kept");
  const { structuredContent } = await call("list_sessions");
  const { sessions } = structuredContent as {
    sessions: { session_id: string; calls: number; busy: boolean }[];
  };
  assert.deepEqual(
    sessions.map(({ session_id, calls, busy }) => [session_id, calls, busy]),
    [[id, 2, false]],
  );
  assert.equal(await text("close_session", { session_id: id }), `${id} is closed`);
  assert.equal(code.closed, 1);
  for (const name of ["run_in_session", "close_session"])
    assert.match(await text(name, { session_id: id, code: "echo" }), /no session .* any more: it was closed/);
});

test("hostile ids of sessions are ids of none", async () => {
  await using connection = await connect();
  for (const id of [
    "",
    "__proto__",
    "constructor",
    "../../etc",
    "python-00000000",
    "\u0000",
    "\ud800",
    "x".repeat(200),
  ]) {
    const result = await connection.call("run_in_session", { session_id: id, code: "echo" });
    assert.equal(result.isError, true);
    assert.match(textOf(result), /there is no session .*: create_session opens one/s);
  }
});

test("wrong arguments are refused before anything runs", async () => {
  await using connection = await connect();
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ["execute_python", {}],
    ["execute_python", { code: "" }],
    ["execute_python", { code: 5 }],
    ["execute_python", { code: "x".repeat(MCP_LIMITS.codeCharacters + 1) }],
    ["create_session", { language: "perl" }],
    ["run_in_session", { session_id: "x".repeat(201), code: "echo" }],
    ["read_file", { session_id: "x", path: "a", offset: -1 }],
    ["write_file", { session_id: "x", path: "a", content: "a", encoding: "hex" }],
  ];
  for (const [name, args] of wrong) {
    const result = await connection.call(name, args);
    assert.equal(result.isError, true, name);
    assert.ok(textOf(result).length < 2000);
  }
  assert.equal(connection.code.options.length, 0);
  for (const name of ["no_such_tool", "constructor", "__proto__"])
    await assert.rejects(connection.call(name), /not found|disabled/);
});

test("there are at most so many sessions, opening ones included; one that rests is closed", async () => {
  await using connection = await connect({ maxSessions: 2, sessionIdleMs: 60 });
  const { text, call } = connection;
  const results = await Promise.all([1, 2, 3, 4].map(() => call("create_session")));
  assert.equal(results.filter(({ isError }) => isError).length, 2);
  const ids = results.flatMap(
    ({ structuredContent }) => (structuredContent as { session_id?: string })?.session_id ?? [],
  );
  const [one = "", other = ""] = ids;
  assert.equal(await text("run_in_session", { session_id: one, code: "wait 100" }), "waited");
  assert.match(
    await text("run_in_session", { session_id: other, code: "echo" }),
    /nothing happened in it for 60 ms/,
  );
  await sleep(100);
  assert.equal(await text("list_sessions"), "no session is open");
});

test("calls of one session wait for each other, at most so many", async () => {
  await using connection = await connect();
  const session_id = await openSession(connection);
  const calls = Array.from({ length: 20 }, () =>
    connection.call("run_in_session", { session_id, code: "wait 2" }),
  );
  const results = await Promise.all(calls);
  const refused = results.filter(({ isError }) => isError);
  assert.equal(refused.length, 20 - MCP_LIMITS.sessionCalls);
  assert.match(textOf(refused[0] as CallToolResult), /16 calls of the session .* are under way or waiting/);
});

test("of all calls there are at most so many under way", async () => {
  await using connection = await connect();
  const results = await Promise.all(
    Array.from({ length: 100 }, () => connection.call("execute_python", { code: "wait 20" })),
  );
  assert.equal(results.filter(({ isError }) => isError).length, 100 - MCP_LIMITS.calls);
});

test("cancelling stops what runs, and a storm of it nothing else", async () => {
  await using connection = await connect();
  const { client, code } = connection;
  const session_id = await openSession(connection);
  const storm = Array.from({ length: 10 }, async () => {
    const controller = new AbortController();
    const params = { name: "run_in_session", arguments: { session_id, code: "wait 60000" } };
    const call = client.callTool(params, { signal: controller.signal });
    setTimeout(() => controller.abort(), Math.random() * 20);
    await assert.rejects(call);
  });
  await Promise.all(storm);
  assert.equal(
    await connection.text("run_in_session", { session_id, code: "echo still here" }),
    "still here",
  );
  assert.equal(code.running, 0);
});

test("progress tells lines as they are printed, for those who want it", async () => {
  await using connection = await connect();
  const told: { progress: number; message?: string | undefined }[] = [];
  const params = { name: "execute_python", arguments: { code: "wait 250" } };
  await connection.client.callTool(params, { onprogress: (progress) => told.push(progress) });
  assert.deepEqual(told, [{ progress: 1, message: "waiting" }]);
});

test("closing cancels what runs, and closes all sessions", async () => {
  const connection = await connect();
  const session_id = await openSession(connection);
  const running = connection.call("run_in_session", { session_id, code: "wait 60000" });
  const other = connection.call("execute_python", { code: "wait 60000" });
  await sleep(20);
  await connection.desk.close();
  assert.equal(connection.code.cancelled, 2);
  assert.equal(connection.code.closed, 1);
  assert.equal((await running).isError, true);
  assert.match(await connection.text("execute_python", { code: "echo" }), /the server is closing/);
  await other;
  await connection[Symbol.asyncDispose]();
});

test("files: text in parts, images as images, others as resources", async () => {
  await using connection = await connect();
  const { call, text } = connection;
  const session_id = await openSession(connection);
  const long = "é😀".repeat(40_000);
  await call("write_file", { session_id, path: "long.txt", content: long });
  await call("write_file", { session_id, path: "a.csv", content: "YSxi", encoding: "base64" });
  await call("write_file", { session_id, path: "plot", content: "iVBORw0KGgo=", encoding: "base64" });
  await call("write_file", { session_id, path: "b.bin", content: "AAEC", encoding: "base64" });
  let read = "";
  for (let offset: number | null = 0; offset !== null; ) {
    const { structuredContent } = await call("read_file", { session_id, path: "long.txt", offset });
    const part = structuredContent as { text: string; next_offset: number | null };
    assert.ok(part.text.isWellFormed() && part.text.length <= MCP_LIMITS.readCharacters);
    read += part.text;
    offset = part.next_offset;
  }
  assert.equal(read, long);
  const csv = await call("read_file", { session_id, path: "a.csv" });
  assert.deepEqual(csv.structuredContent, {
    ...{ path: "a.csv", size: 3, media_type: "text/csv", encoding: "text", text: "a,b", next_offset: null },
  });
  const image = await call("read_file", { session_id, path: "plot" });
  assert.deepEqual(image.content.at(-1), { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" });
  const binary = await call("read_file", { session_id, path: "b.bin" });
  assert.deepEqual(binary.content.at(-1), {
    type: "resource",
    resource: { uri: `capsule://${session_id}/b.bin`, mimeType: "application/octet-stream", blob: "AAEC" },
  });
  assert.match(await text("list_files", { session_id }), /long\.txt \(234\.4 kB\)\na\.csv \(3 B\)/);
  assert.match(
    await text("read_file", { session_id, path: "none" }),
    /there is no file none in the workspace$/,
  );
  assert.match(
    await text("write_file", { session_id, path: "x", content: "%", encoding: "base64" }),
    /no base64/,
  );
  const tooLarge = { session_id, path: "x", content: "é".repeat(MCP_LIMITS.writeBytes / 2 + 1) };
  assert.match(await text("write_file", tooLarge), /at most 16\.0 MB can be written/);
});

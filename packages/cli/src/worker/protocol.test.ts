import assert from "node:assert/strict";
import { test } from "node:test";
import { isJson, LIMITS, UsageError } from "@capsule-run/protocol";
import { exactField } from "./exact.ts";
import { type ClientMessage, errorMessage, ProtocolError, readIncoming, readMessage } from "./protocol.ts";

const read = (line: unknown): ClientMessage =>
  readMessage(Buffer.from(typeof line === "string" ? line : JSON.stringify(line)));

test("messages that are understood", () => {
  const good: readonly ClientMessage[] = [
    { type: "hello", version: 1 },
    {
      type: "hello",
      version: 7,
      cwd: "a",
      cache_dir: "/b",
      cells: 2,
      concurrency: 9,
      memory: 1e9,
      record: false,
    },
    { type: "run", id: "1", file: "a.ts" },
    {
      type: "run",
      id: "é",
      file: "a.ts",
      cwd: ".",
      env: { A: "" },
      run_id: "a-1.b_C",
      policy: { max_tasks: 3 },
      sealed: true,
      mounts: ["a::b:ro"],
      output: false,
      events: true,
    },
    { type: "load", id: "x".repeat(200), file: "a.py", cwd: "/" },
    { type: "execute", id: "1", code: "" },
    {
      type: "execute",
      id: "1",
      code: "1",
      language: "javascript",
      limits: { timeout: "1s", compute: 5 },
      hosts: ["a.example"],
      env: { A: "" },
      files: { a: "text", "b/c": { base64: "AAE=" } },
      output: false,
    },
    { type: "code_load", id: "1", language: "python" },
    { type: "session_open", id: "1", session: "s", language: "python" },
    { type: "session_run", id: "1", session: "s", code: "x" },
    { type: "session_file", id: "1", session: "s", operation: "write", name: "a", data: { base64: "" } },
    { type: "session_reset", id: "1", session: "s" },
    { type: "session_close", id: "1", session: "s" },
    {
      ...{ type: "run", id: "1", file: "a.ts" },
      tools: [
        { name: "a", description: null, parameters: null, input: null, output: null },
        { name: "b", description: "B.", parameters: ["x"], input: { type: "object" }, output: true },
        { name: "c" },
      ],
    },
    { type: "cancel", id: "1" },
    { type: "close" },
  ];
  for (const message of good) assert.deepEqual(read(message), message);
});

const run = { type: "run", id: "r", file: "a.ts" };
const answer = { type: "tool_result", id: "r", call: "1", ok: true };

test("lines that are refused, each with its reason", () => {
  const bad: readonly (readonly [line: unknown, reason: RegExp, id?: string])[] = [
    ["garbage", /not JSON/],
    ['{"type":"close"', /not JSON/],
    ["[]", /a message is an object/],
    ["null", /a message is an object/],
    ["{}", /has a "type"/],
    [{ type: 1 }, /has a "type"/],
    [{ type: "rum", id: "r" }, /unknown type "rum"; did you mean "run"\?/],
    [
      { type: "__proto__" },
      /unknown type "__proto__"; there are hello, run, load, tool_result, execute, code_load, .*, close/,
    ],
    [{ type: "constructor" }, /unknown type/],
    [{ type: "hello" }, /"hello" needs "version": a positive integer/],
    [{ type: "hello", version: "1" }, /"version" of "hello" must be a positive integer/],
    [{ type: "hello", version: 1.5 }, /"version" of "hello"/],
    [{ type: "hello", version: 1, cells: 5000 }, /"cells" of "hello" must be an integer from 1 to 1024/],
    [{ type: "run", file: "a.ts" }, /"run" needs "id"/],
    [{ type: "run", id: "r" }, /"run" needs "file": a path/, "r"],
    [{ ...run, id: 5 }, /"id" of "run" must be a string of 1 to 200 characters/],
    [{ ...run, id: "" }, /"id" of "run"/],
    [{ ...run, id: "x".repeat(201) }, /"id" of "run"/],
    [{ ...run, file: "" }, /"file" of "run" must be a path/, "r"],
    [{ ...run, file: "a\0b" }, /"file" of "run" must be a path/, "r"],
    [{ ...run, args: {} }, /"args" of "run" must be an array/, "r"],
    [{ ...run, args: null }, /"args" of "run"/, "r"],
    [{ ...run, env: { A: 1 } }, /"env" of "run" must be an object of strings/, "r"],
    [{ ...run, env: [] }, /"env" of "run"/, "r"],
    ...["", "-a", "a/b", "../a", "é", "x".repeat(65)].map(
      (run_id) => [{ ...run, run_id }, /"run_id" of "run" must be 1 to 64 letters/, "r"] as const,
    ),
    [{ ...run, mounts: [1] }, /"mounts" of "run"/, "r"],
    [{ ...run, policy: [] }, /"policy" of "run"/, "r"],
    [{ ...run, sealed: 1 }, /"sealed" of "run" must be true or false/, "r"],
    [{ ...run, event: true }, /unknown field "event" of "run"; did you mean "events"\?/, "r"],
    ['{"type":"run","id":"r","file":"a.ts","__proto__":{}}', /unknown field "__proto__"/, "r"],
    [{ type: "execute", id: "r" }, /"execute" needs "code": a string/, "r"],
    [
      { type: "execute", id: "r", code: "", language: "ruby" },
      /"language" of "execute" must be "python"/,
      "r",
    ],
    [{ type: "execute", id: "r", code: "", limits: { ram: {} } }, /"limits" of "execute"/, "r"],
    ...[{ base64: "A" }, { base64: "AA=A" }, { base64: "AAAA", text: "" }, 5, null].map(
      (a) =>
        [{ type: "execute", id: "r", code: "", files: { a } }, /"files" of "execute" must be/, "r"] as const,
    ),
    [{ type: "session_run", id: "r", code: "" }, /"session_run" needs "session"/, "r"],
    [{ type: "session_file", id: "r", session: "s", operation: "toString" }, /must be one of import, /, "r"],
    [{ type: "session_file", id: "r", session: "s", operation: "read", name: "a\0" }, /must be a path/, "r"],
    [{ type: "session_close", id: "r", session: "s", code: "" }, /unknown field "code"/, "r"],
    ...[
      ...[
        5,
        {},
        [1],
        [{}],
        [{ name: 5 }],
        [{ name: "then" }],
        [{ name: "a b" }],
        [{ name: "a", inputs: {} }],
      ],
      ...[[{ name: "a", input: 5 }], [{ name: "a", output: [] }], [{ name: "a", parameters: [1] }]],
      Array(1001).fill({ name: "a" }),
    ].map(
      (tools) => [{ ...run, tools }, /"tools" of "run" must be an array of at most 1000 obj/, "r"] as const,
    ),
    [{ ...answer, id: 1 }, /"id" of "tool_result"/],
    [{ ...answer, call: 1 }, /"call" of "tool_result"/],
    [{ ...answer, ok: 1 }, /"ok" of "tool_result" must be true or false/],
    [{ type: "tool_result", id: "r", call: "1" }, /"tool_result" needs "ok"/],
    [{ ...answer, ok: false }, /"tool_result" needs "error" where "ok" is false/],
    [{ ...answer, ok: false, error: { type: "x" } }, /"error" of "tool_result" must be an object of two str/],
    [{ ...answer, results: 1 }, /unknown field "results" of "tool_result"; did you mean "result"\?/],
    [{ type: "cancel" }, /"cancel" needs "id"/],
    [{ type: "close", id: "r" }, /unknown field "id" of "close"/],
  ];
  for (const [line, reason, id = null] of bad)
    assert.throws(
      () => read(line),
      (error: ProtocolError) => {
        assert.match(error.message, reason);
        assert.deepEqual([error.slug, error.id], ["protocol", id], error.message);
        return true;
      },
    );
  assert.throws(() => readMessage(Buffer.from([0x22, 0xff, 0x22])), /not UTF-8/);
});

const resultOf = (line: string): string | null => {
  const message = read(line);
  assert.ok(message.type === "tool_result");
  return message.resultJson;
};

test("results of tools are the text that was sent, whatever else stands there", () => {
  const head = '"type":"tool_result","id":"r","call":"7","ok":true';
  const exact = '{"n":[123456789012345678901234567890,1.0,-0],"args":[1],"result":"}"}';
  for (const line of [`{${head},"result":${exact}}`, `{"result": ${exact},${head}}`])
    assert.equal(resultOf(line), exact);
  for (const line of [
    `{${head},"result":\t${exact}}`,
    `{${head},"\\u0072esult":${exact}}`,
    `{${head},"result":1,"result":${exact}}`,
    `{${head},"result":null,"\\u0072esult":${exact}}`,
  ])
    assert.equal(resultOf(line), exact, line);
  assert.equal(resultOf(`{${head}}`), "null");
  for (const text of ["null", "true", '"\\ud800"', "[]", "0"])
    assert.equal(resultOf(`{${head},"result":${text}}`), text);
  // No exception; whoever looks at the text next refuses it.
  const deep = resultOf(`{${head},"result":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
  assert.ok(deep === null || !isJson(Buffer.from(deep)));
  assert.throws(() => read(`{${head},"result":[1,}`), /not JSON/);
  assert.throws(() => read(`{${head},"args":[1]}`), /unknown field "args"/);
  assert.throws(() => read(`{"type":"cancel","id":"r","result":1}`), /unknown field "result"/);
  assert.deepEqual(read({ ...answer, ok: false, result: 5, error: { type: "T", message: "m", more: 1 } }), {
    ...{ ...answer, ok: false, resultJson: null },
    error: { type: "T", message: "m" },
  });
});

const argumentsOf = (line: string): string | undefined => {
  const message = read(line);
  assert.ok(message.type === "run");
  return message.argsJson ?? (message.args && JSON.stringify(message.args));
};

test("arguments are the text that was sent", () => {
  const texts = [
    "[]",
    "[123456789012345678901234567890,-98765432109876543210]",
    "[1.0, -0, -0.0, 1e3, 1E-7, 0.10, 2.50]",
    '[{"a":[{"b":100000000000000000001}],"__proto__":1.0,"args":[1]}]',
    '["1.0","]","\\"args\\":[2]",{"}":["é😀\\u0000"]},true,null]',
  ];
  for (const args of texts)
    for (const line of [
      `{"type":"run","id":"r","file":"a.py","args":${args}}`,
      `{"args": ${args} , "type":"run","id":"args","file":"a"}`,
      `{"type":"run","id":"r","file":"a.py","env":{"args":"[3]"},"args":${args},"sealed":true}`,
    ])
      assert.equal(argumentsOf(line)?.trim(), args, line);
});

test("where they have to be read, numbers keep their digits, too", () => {
  const exact = "[123456789012345678901234567890,1.0,-0,1e3,[0.10]]";
  for (const line of [
    `{"type":"run","id":"r","file":"a.py","args":\t${exact}}`,
    `{"type":"run","id":"r","file":"a.py","\\u0061rgs":${exact}}`,
    `{"type":"run","id":"r","file":"a.py","args":[1],"args":${exact}}`,
    `{"type":"run","id":"r","file":"a.py","args":[1],"\\u0061rgs":${exact}}`,
  ])
    assert.equal(argumentsOf(line), exact, line);
  const usual = [1, "a", 0.5];
  assert.equal(exactField(JSON.stringify({ args: usual }), "args", usual), usual);
});

test("arguments that are no JSON are a line that is none", () => {
  for (const args of ["[tru]", "[1,]", "[[]", '["]', "[01]", "[1]]", '["\t"]'])
    assert.throws(() => read(`{"type":"run","id":"r","file":"a.py","args":${args}}`), /not JSON/, args);
});

test("arguments that are nested too deep for anyone are no exception", () => {
  const depth = 100_000;
  const args = `${"[".repeat(depth)}1.0${"]".repeat(depth)}`;
  const message = read(`{"type":"run","id":"r","file":"a.py","args":${args}}`);
  assert.equal(message.type, "run");
  assert.ok(depth > LIMITS.valueDepth);
});

test("whatever a line holds, it is a message or refused", () => {
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const seeds = [
    '{"type":"run","id":"r","file":"a.py","args":[1,{"a":"\\"]"},[]],"env":{"A":"b"},"events":true}',
    '{"type":"hello","version":1}',
  ].map((text) => Buffer.from(text));
  const marks = Buffer.from('{}[]",:\\ \t0aé');
  for (let i = 0; i < 5000; i++) {
    const line = Buffer.from(seeds[i % seeds.length] as Buffer);
    for (let edits = next(4); edits >= 0; edits--)
      line[next(line.length)] = marks[next(marks.length)] as number;
    const cut = line.subarray(0, next(10) === 0 ? next(line.length) : line.length);
    const { message } = readIncoming({ number: i, bytes: cut });
    if (message === null || message instanceof ProtocolError) continue;
    const whole = JSON.parse(cut.toString());
    assert.equal(message.type, whole.type);
    if (message.type === "run" && message.argsJson !== undefined)
      assert.deepEqual(JSON.parse(message.argsJson), whole.args, cut.toString());
  }
});

test("errors: wrong use with its place, refusals, our own bugs", () => {
  const place = { file: "/p/a.ts", line: 2, column: 5 };
  assert.deepEqual(errorMessage(new UsageError("compile", "no", { place, excerpt: "x" }), { id: "r" }), {
    type: "error",
    id: "r",
    line: null,
    slug: "compile",
    message: "no [compile]",
    text: "no",
    place,
    excerpt: "x",
  });
  const refused = errorMessage(new ProtocolError("no", null, "limit"), { id: null, line: 3 });
  assert.deepEqual([refused.slug, refused.line, refused.message], ["limit", 3, "no [limit]"]);
  assert.equal(errorMessage(new TypeError("oops"), { id: "r" }).slug, "internal");
});

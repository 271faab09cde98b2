import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LIMITS, type ToolAnswer, type ToolCall, type ToolHost } from "@capsule-run/protocol";
import { openToolbox, type ToolEvent } from "./tools.ts";

const CALLER = { run: "r", task: "main", path: "0" };
const NEVER = new AbortController().signal;

function setUp(call: (call: ToolCall, stop: AbortSignal) => unknown, names: readonly string[] = ["search"]) {
  const events: ToolEvent[] = [];
  const host: ToolHost = { names, call: call as ToolHost["call"] };
  const tools = openToolbox(host, (event) => events.push(event)).of(CALLER);
  let id = 0;
  const ask = async (head: object, payload: string | Uint8Array = "[]", stop = NEVER): Promise<unknown> => {
    const given = head as Readonly<Record<string, unknown>>;
    const answer = await tools.perform("call", given, Buffer.from(payload), stop, ++id);
    const { threw } = answer.head as { threw: unknown };
    return threw ?? JSON.parse(Buffer.from(answer.payload ?? []).toString());
  };
  const search = (args: unknown[] = [], stop = NEVER): Promise<unknown> => {
    const text = JSON.stringify(args);
    return ask({ name: "search", positional: Buffer.byteLength(text) }, text, stop);
  };
  return { ask, search, events };
}

test("a call reaches the host as JSON, with its own path, and is told of", async () => {
  const calls: ToolCall[] = [];
  const { ask, search, events } = setUp(async (call): Promise<ToolAnswer> => {
    calls.push(call);
    return { ok: true, json: '{"big":12345678901234567890}' };
  });
  await search(["é", 1]);
  await ask({ name: "search", positional: 3 }, '[1]{"limit":5}');
  assert.deepEqual(calls, [
    { run: "r", task: "main", path: "0.1", name: "search", args: '["é",1]', kwargs: null },
    { run: "r", task: "main", path: "0.2", name: "search", args: "[1]", kwargs: '{"limit":5}' },
  ]);
  assert.deepEqual(
    events.map(({ type, path, tool }) => [type, path, tool]),
    ["0.1", "0.2"].flatMap((path) => [
      ["tool_called", path, "search"],
      ["tool_ended", path, "search"],
    ]),
  );
});

test("a host that throws, rejects or answers nonsense: the guest hears that the tool failed, and nothing more", async () => {
  const secret = new Error("/home/me/secret");
  const wrong: (() => unknown)[] = [
    () => {
      throw secret;
    },
    () => {
      throw null;
    },
    () => Promise.reject(secret),
    () => Promise.reject(undefined),
    ...[undefined, null, 1, "text", {}, [], { ok: 1 }, { ok: true }, { ok: true, json: 1 }].map(
      (x) => () => x,
    ),
    ...[{ ok: false }, { ok: false, type: "x" }, { ok: false, type: 1, message: "x" }].map((x) => () => x),
    () => ({
      get ok() {
        throw secret;
      },
    }),
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: hosts may give anything
      get then() {
        throw secret;
      },
    }),
  ];
  const { search, events } = setUp(() => wrong.shift()?.());
  for (let left = wrong.length; left > 0; left--)
    assert.deepEqual(await search(), { type: "ToolFailed", message: "the tool search failed" });
  assert.doesNotMatch(JSON.stringify(events), /secret/);
});

test("what a host says of a failure comes through, cut where it is long", async () => {
  const answers = [
    { ok: false, type: "NotFound", message: "no such item" },
    {
      ok: false,
      type: "x".repeat(1000),
      message: `${"y".repeat(LIMITS.toolMessageCharacters - 2)}\u{1f600}z`,
    },
    { ok: false, type: "", message: "" },
  ];
  const { search } = setUp(() => answers.shift());
  assert.deepEqual(await search(), { type: "NotFound", message: "no such item" });
  const { type, message } = (await search()) as { type: string; message: string };
  assert.equal(type.length, 200);
  assert.equal(message, `${"y".repeat(LIMITS.toolMessageCharacters - 2)}…`);
  assert.deepEqual(await search(), { type: "ToolFailed", message: "" });
});

test("a result is JSON of a bounded size and depth", async () => {
  const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const texts = [
    ...["", "{", "[1] [2]", "undefined", "[\n1]", deep(LIMITS.valueDepth + 2), "[".repeat(1e6)],
    `"${"x".repeat(LIMITS.effectBytes)}"`,
    `"${"é".repeat(LIMITS.effectBytes / 2)}"`,
  ];
  const { search } = setUp(() => ({ ok: true, json: texts.shift() }));
  const types = [];
  while (texts.length > 0) types.push(((await search()) as { type: string }).type);
  assert.deepEqual(types, [...Array(7).fill("InvalidResult"), "LimitExceeded", "LimitExceeded"]);
});

test("requests that no honest guest makes are refused before the host hears of them", async () => {
  const { ask, events } = setUp(() => assert.fail("reached"));
  const heads: object[] = [
    ...[undefined, null, 1, {}, ["search"]].map((name) => ({ name, positional: 2 })),
    ...[undefined, null, -1, 0, 1, 3, 1.5, 1e9, "2", Number.NaN].map((positional) => ({
      name: "search",
      positional,
    })),
  ];
  for (const head of heads) await assert.rejects(ask(head), { code: "EINVAL" }, JSON.stringify(head));
  for (const payload of ["{}", "1]", "[]]", "[][]", "[]1", "[]{", '[]{"a"}'])
    await assert.rejects(ask({ name: "search", positional: 2 }, payload), { code: "EINVAL" }, payload);
  assert.deepEqual(events, []);
});

test("a tool that is not there: its name, what is there, and what was meant", async () => {
  const call = (): never => assert.fail("reached");
  const { ask } = setUp(call, ["search", "price"]);
  const of = (name: string) => ask({ name, positional: 2 });
  await assert.rejects(of("serch"), {
    code: "ENOENT",
    message: 'there is no tool "serch"; did you mean "search"?',
  });
  await assert.rejects(of("weather"), { message: 'there is no tool "weather"; there are: search, price' });
  for (const name of ["", "__proto__", "constructor", "then", "\u0000", "x".repeat(500_000)])
    await assert.rejects(of(name), (error: Error) => error.message.length < 300);
  await assert.rejects(setUp(call, []).ask({ name: "x", positional: 2 }), {
    message: 'there is no tool "x": this run was given no tools',
  });
  const many = setUp(
    call,
    Array.from({ length: 70 }, (_, i) => `t${i}`),
  );
  await assert.rejects(many.ask({ name: "?", positional: 2 }), { message: /t49 and 20 more$/ });
});

test("who gives a call up is answered at once; the host is told, and keeps its place until it has ended", async () => {
  const ends: (() => void)[] = [];
  let stopped = 0;
  const { search, events } = setUp((_call, stop) => {
    stop.addEventListener("abort", () => stopped++);
    return new Promise((resolve) => ends.push(() => resolve({ ok: true, json: "1" })));
  });
  const given = new AbortController();
  const all = Array.from({ length: LIMITS.toolCallsAtOnce }, () => search([], given.signal));
  const next = search();
  await turn();
  assert.equal(ends.length, LIMITS.toolCallsAtOnce);
  given.abort();
  for (const each of await Promise.all(all)) assert.equal((each as { type: string }).type, "Cancelled");
  await assert.rejects(search([], AbortSignal.abort()), { code: "EABORTED" });
  await turn();
  assert.deepEqual([stopped, ends.length], [LIMITS.toolCallsAtOnce, LIMITS.toolCallsAtOnce]);
  ends[0]?.();
  await turn();
  await turn();
  assert.equal(ends.length, LIMITS.toolCallsAtOnce + 1);
  ends.at(-1)?.();
  assert.equal(await next, 1);
  assert.equal(events.filter(({ type }) => type === "tool_ended").length, LIMITS.toolCallsAtOnce + 1);
});

test("a run calls tools so often and no more, refused calls included", async () => {
  const { ask, search } = setUp(async () => ({ ok: true, json: "1" }));
  for (let n = 1; n < LIMITS.toolCalls; n++) await ask({ name: "x", positional: 2 }).catch(() => {});
  assert.equal(await search(), 1);
  await assert.rejects(search(), { code: "ELIMIT", message: /100,000 calls of tools/ });
});

test("arguments of very many values are refused: reading them takes many times their memory", async () => {
  const { ask, search, events } = setUp(async () => ({ ok: true, json: "1" }));
  const many = (count: number): string => `[${"[],".repeat(count)}0]`;
  for (const text of [many(LIMITS.toolValues), many(11_000_000)])
    await assert.rejects(ask({ name: "search", positional: text.length }, text), {
      code: "ELIMIT",
      message: /250,000 values in the arguments of the tool search/,
    });
  assert.deepEqual(events, []);
  const most = many((LIMITS.toolValues - 4) / 2);
  assert.equal(await ask({ name: "search", positional: most.length }, most), 1);
  assert.equal(await search(["x".repeat(1_000_000)]), 1);
});

test("arguments that the host has at once are bounded; a call that is given up waits no longer", async () => {
  const ends: (() => void)[] = [];
  const { search } = setUp(() => new Promise((resolve) => ends.push(() => resolve({ ok: true, json: "1" }))));
  const size = 30 * 1024 * 1024;
  const large = ["x".repeat(size)];
  const fit = Math.floor(LIMITS.toolArgumentBytes / size);
  const all = Array.from({ length: fit }, () => search(large));
  const stop = new AbortController();
  const given = search(large, stop.signal);
  const last = search(large);
  await turn();
  assert.equal(ends.length, fit);
  stop.abort();
  await assert.rejects(given, { code: "EABORTED" });
  await turn();
  assert.equal(ends.length, fit);
  for (let n = 0; n <= fit; n++) {
    ends[n]?.();
    await turn();
    await turn();
  }
  assert.deepEqual(await Promise.all([...all, last]), Array(fit + 1).fill(1));
});

test("secrets in what is said of a failure reach neither the program nor whoever listens", async () => {
  const events: ToolEvent[] = [];
  const failing: ToolHost = {
    names: ["t"],
    call: async () => ({ ok: false, type: "sk-1234", message: "wrong key sk-1234" }),
  };
  const scrub = (text: string): string => text.replaceAll("sk-1234", "[secret]");
  const box = openToolbox(failing, (event) => events.push(event), scrub).of(CALLER);
  const head = { name: "t", positional: 2 };
  const answer = await box.perform("call", head, Buffer.from("[]"), NEVER, 1);
  assert.doesNotMatch(JSON.stringify([answer, events]), /sk-1234/);
});

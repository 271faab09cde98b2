import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { awaitClient } from "./opening.ts";
import { LineTransport } from "./transport.ts";

const INITIALIZE = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: {} })}\n`;

function open(lineBytes = 1000) {
  const input = new PassThrough();
  const written: string[] = [];
  const logged: string[] = [];
  const taken: unknown[] = [];
  let full: Promise<void> | null = null;
  const transport = new LineTransport({
    pieces: input,
    sink: { write: (text) => written.push(String(text)), fallen: () => full ?? Promise.resolve() },
    log: (text) => logged.push(text),
    lineBytes,
  });
  transport.onmessage = (message) => taken.push(message);
  const block = (until: Promise<void>): void => {
    full = until;
  };
  return { input, written, logged, taken, transport, block };
}

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

test("messages are lines, however they are cut; what stands behind the last line's end is none", async () => {
  const { input, taken, transport } = open();
  await transport.start();
  const text = `${JSON.stringify(PING)}\n\r\n  \n${JSON.stringify({ ...PING, id: "é😀" })}\r\n{"jsonrpc"`;
  for (const byte of Buffer.from(text)) input.write(Buffer.from([byte]));
  input.end();
  await transport.ended;
  assert.deepEqual(taken, [PING, { ...PING, id: "é😀" }]);
});

test("garbage and long lines are answered with errors that name no request, and told on stderr", async () => {
  const { input, taken, written, logged, transport } = open();
  await transport.start();
  const deep = "[".repeat(900);
  for (const line of [
    "hello",
    "{}",
    "[]",
    "null",
    `"${"x".repeat(2000)}"`,
    deep,
    '{"jsonrpc":"1.0","id":1,"method":"a"}',
  ])
    input.write(`${line}\n`);
  input.write(Buffer.from([0xff, 0xfe, 10]));
  input.end(`${JSON.stringify(PING)}\n`);
  await transport.ended;
  assert.deepEqual(taken, [PING]);
  const errors = written.map((line) => JSON.parse(line));
  assert.ok(errors.every(({ id, jsonrpc }) => id === null && jsonrpc === "2.0"));
  assert.deepEqual(
    errors.map(({ error }) => error.code),
    [-32700, -32600, -32600, -32600, -32600, -32700, -32600, -32700],
  );
  assert.match(errors[4].error.message, /^line 5 has more than 1000 bytes$/);
  assert.equal(logged.length, 8);
  assert.ok(logged.every((line) => line.length < 300));
});

test("a request that is none has an answer under its id, where it has one", async () => {
  const { input, written, transport } = open();
  await transport.start();
  const wrong = { jsonrpc: "2.0", method: "tools/call", params: { _meta: { progressToken: {} } } };
  for (const id of [7, "seven", "\ud800", 1.5, {}, null, "x".repeat(1001)])
    input.write(`${JSON.stringify({ ...wrong, id })}\n`);
  input.write(`${JSON.stringify({ id: 8, result: {} })}\n`);
  await sleep(5);
  const ids = written.map((line) => JSON.parse(line).id);
  assert.deepEqual(ids, [7, "seven", "\ufffd", null, null, null, null, null]);
});

test("halves of characters are never sent, and nothing else is changed", async () => {
  const { written, transport } = open();
  const value = { a: "\ud800", b: "\\ud800", c: "\\\\ud800\udfff", d: "😀", "\udc00": "\u0000" };
  await transport.send({ jsonrpc: "2.0", id: 1, result: value });
  assert.deepEqual(JSON.parse(written[0] as string).result, {
    ...{ a: "\ufffd", b: "\\ud800", c: "\\\\ud800\ufffd", d: "😀", "\ufffd": "\u0000" },
  });
});

test("nothing more is read of a client that does not read", async () => {
  const { input, taken, transport, block } = open();
  const { promise, resolve } = Promise.withResolvers<void>();
  block(promise);
  await transport.start();
  input.write(`${JSON.stringify(PING)}\n`);
  await sleep(5);
  assert.equal(taken.length, 0);
  resolve();
  await sleep(5);
  assert.equal(taken.length, 1);
});

test("an input that breaks off has ended", async () => {
  const { input, transport } = open();
  await transport.start();
  input.destroy(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
  await transport.ended;
});

async function openingOf(text: string, limits = { openingMs: 60, openingBytes: 2000 }, end = false) {
  const input = new PassThrough();
  input.write(text);
  if (end) input.end();
  const pieces = await awaitClient(input, limits);
  if (pieces === null) return null;
  input.end("the rest");
  return Buffer.concat(await Array.fromAsync(pieces)).toString();
}

test("a client is known by its first message, of either age; all that it said is passed on", async () => {
  const discover = INITIALIZE.replace("initialize", "server/discover");
  for (const text of [INITIALIZE, discover, `\n${INITIALIZE}`, `garbage\n${INITIALIZE}more`])
    assert.equal(await openingOf(text), `${text}the rest`);
});

test("what is no client: silence, an end, other words, too many of them", async () => {
  for (const text of [
    "",
    "hello\n",
    INITIALIZE.trim(),
    INITIALIZE.replace("2.0", "1.0"),
    '"initialize"\n',
    "null\n",
  ]) {
    assert.equal(await openingOf(text || "\n"), null, text);
    assert.equal(await openingOf(text || "\n", undefined, true), null, text);
  }
  const began = performance.now();
  assert.equal(await openingOf("x".repeat(3000), { openingMs: 60_000, openingBytes: 2000 }), null);
  assert.ok(performance.now() - began < 5000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "@capsule-run/protocol";
import type { Output } from "./api.ts";
import { Context } from "./context.ts";
import type { Program } from "./program.ts";
import { bareWorld } from "./testing/world.ts";

const program = {
  manifest: { entry: "main", output: [{ stream: 2, text: "loaded\n" }] },
  placeMarks: ["capsule:program"],
  translate: async (text: string) => {
    if (text.includes("broken")) throw new Error("no map");
    return text.replace("capsule:program:1:2", "a.ts:1:2");
  },
} as unknown as Program;

const world = await bareWorld();

function listen(): { context: Context; heard: Output[]; texts(): string[] } {
  const heard: Output[] = [];
  const context = new Context(
    { program, root: "/p", world, secret: new Uint8Array(32) },
    { onOutput: (output) => heard.push(output) },
    () => assert.fail("a callback failed"),
  );
  return {
    context,
    heard,
    texts: () => heard.map(({ stream, bytes }) => `${stream} ${Buffer.from(bytes).toString()}`),
  };
}

const piece = (text: string, path = "0"): Output => ({
  stream: "stdout",
  bytes: Buffer.from(text),
  task: "main",
  path,
});

test("a run's output is limited, cut between characters, with one notice", () => {
  const { context, heard } = listen();
  const chunk = { ...piece(""), bytes: new Uint8Array(LIMITS.runOutputBytes / 8).fill(0x61) };
  for (let i = 0; i < 7; i++) context.output(chunk);
  context.output({ ...chunk, bytes: chunk.bytes.subarray(2) });
  context.output(piece("€€", "0.1"));
  context.output(piece("more"));
  context.outputFull("main", "0");
  assert.equal(heard.length, 9);
  const notice = heard.at(-1);
  assert.deepEqual([notice?.stream, notice?.path], ["stderr", "0.1"]);
  assert.match(
    Buffer.from(notice?.bytes ?? []).toString(),
    /^\ncapsule: the run printed more than 67,108,864 bytes.*"main".*\n$/,
  );
});

test("an attempt's notice names its task and the limit", () => {
  const { context, texts } = listen();
  context.outputFull("child", "0.3");
  assert.deepEqual(texts(), [
    'stderr \ncapsule: "child" printed more than 8,388,608 bytes; the rest is dropped\n',
  ]);
});

test("output keeps its order while some of it is translated, and survives a translation that fails", async () => {
  const { context, texts } = listen();
  context.printLoadOutput();
  context.output(piece("at capsule:program:1:2\n"));
  context.output(piece("then\n"));
  context.output(piece("broken capsule:program:1:2\n"));
  context.output(piece("last\n"));
  await context.flushed();
  assert.deepEqual(texts(), [
    "stderr loaded\n",
    "stdout at a.ts:1:2\n",
    "stdout then\n",
    "stdout broken capsule:program:1:2\n",
    "stdout last\n",
  ]);
});

test("what a callback throws is told once, and the callback is left alone from then on", () => {
  const causes: unknown[] = [];
  let calls = 0;
  const mine = new Error("mine");
  const onEvent = (): void => {
    calls++;
    throw mine;
  };
  const context = new Context(
    { program, root: "/p", world, secret: new Uint8Array(32) },
    { onEvent },
    (cause) => causes.push(cause),
  );
  for (let i = 0; i < 3; i++) context.emit({ type: "task_queued", run: "r", path: "0", task: "main" });
  assert.deepEqual(causes, [mine]);
  assert.equal(calls, 1);
});

test("nothing comes after the end", () => {
  const { context, heard } = listen();
  context.close();
  context.output(piece("late"));
  context.outputFull("main", "0");
  assert.equal(heard.length, 0);
});

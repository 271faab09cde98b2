import assert from "node:assert/strict";
import { test } from "node:test";
import { type Leave, Line } from "./line.ts";

const NEVER = new AbortController().signal;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Comes in by a name, which is noted when it is inside. */
function visitors(line: Line) {
  const inside: string[] = [];
  const leaves: Record<string, Leave> = {};
  const come = (name: string, signal = NEVER, isFree?: () => boolean): void => {
    void line.enter(signal, isFree).then((leave) => {
      inside.push(leave ? name : `not ${name}`);
      if (leave) leaves[name] = leave;
    });
  };
  return { inside, leaves, come };
}

test("so many are inside at once, the others come in the order in which they came", async () => {
  const line = new Line(2);
  const { inside, leaves, come } = visitors(line);
  for (const name of ["a", "b", "c", "d"]) come(name);
  await settled();
  assert.deepEqual([inside, line.isUsed], [["a", "b"], true]);
  leaves.b?.();
  await settled();
  assert.deepEqual(inside, ["a", "b", "c"]);
  leaves.a?.();
  leaves.c?.();
  await settled();
  assert.deepEqual([inside, line.isUsed], [["a", "b", "c", "d"], false]);
});

test("a place is given back once, however often it is left", async () => {
  const line = new Line(1);
  const { inside, leaves, come } = visitors(line);
  for (const name of ["a", "b", "c"]) come(name);
  await settled();
  leaves.a?.();
  leaves.a?.();
  await settled();
  assert.deepEqual(inside, ["a", "b"]);
});

test("while it is not free nobody comes in, and nobody overtakes", async () => {
  const line = new Line(8);
  let [free, asked] = [false, 0];
  const { inside, come } = visitors(line);
  come("first", NEVER, () => {
    asked++;
    return free;
  });
  come("second");
  line.look();
  await settled();
  assert.deepEqual(inside, []);
  free = true;
  line.look();
  line.look();
  await settled();
  assert.deepEqual([inside, asked], [["first", "second"], 3]);
});

test("who is called off takes no place, and keeps nobody waiting", async () => {
  const line = new Line(2);
  const { inside, leaves, come } = visitors(line);
  const [first, last] = [new AbortController(), new AbortController()];
  come("late", AbortSignal.abort());
  come("a");
  come("never free", first.signal, () => false);
  come("b");
  come("called off", last.signal);
  last.abort();
  await settled();
  assert.deepEqual(inside, ["not late", "a", "not called off"]);
  first.abort();
  await settled();
  assert.deepEqual(inside.slice(3), ["not never free", "b"]);
  leaves.a?.();
  come("c");
  await settled();
  assert.equal(inside.at(-1), "c");
});

test("a line that is cleared turns away who waits, not who is inside or comes later", async () => {
  const line = new Line(1);
  const { inside, leaves, come } = visitors(line);
  for (const name of ["a", "b", "c"]) come(name);
  line.clear();
  come("d");
  await settled();
  assert.deepEqual(inside, ["a", "not b", "not c"]);
  leaves.a?.();
  await settled();
  assert.equal(inside.at(-1), "d");
});

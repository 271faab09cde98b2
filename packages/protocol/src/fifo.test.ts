import assert from "node:assert/strict";
import { test } from "node:test";
import { Fifo } from "./fifo.ts";

test("gives back what it took, in order, through growing and shrinking", () => {
  const fifo = new Fifo<number>();
  let put = 0;
  let got = 0;
  for (let round = 1; round <= 60; round++) {
    for (let i = 0; i < (round * 37) % 50; i++) fifo.push(put++);
    for (let i = 0; i < (round * 53) % 47 && got < put; i++) assert.equal(fifo.shift(), got++);
    assert.equal(fifo.size, put - got);
  }
  while (got < put) assert.equal(fifo.shift(), got++);
  assert.equal(fifo.shift(), undefined);
  assert.equal(fifo.size, 0);
});

test("an item may be undefined", () => {
  const fifo = new Fifo<undefined>();
  fifo.push(undefined);
  assert.equal(fifo.size, 1);
  fifo.shift();
  assert.equal(fifo.size, 0);
});

// Many of everything: none is a special case.
import { task } from "@capsule-run/sdk";

const later = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function timeouts(): Promise<unknown> {
  const fired: number[] = [];
  await Promise.all(
    Array.from(
      { length: 20_000 },
      (_, i) =>
        new Promise<void>((resolve) =>
          setTimeout(() => {
            fired.push(i);
            resolve();
          }, i % 7),
        ),
    ),
  );
  const inOrder = fired
    .filter((i) => i % 7 === 3)
    .every((i, at, same) => at === 0 || i > (same[at - 1] ?? 0));
  return [fired.length, inOrder];
}

async function cleared(): Promise<number> {
  let fired = 0;
  for (let i = 0; i < 100_000; i++) clearTimeout(setTimeout(() => fired++, 5));
  await later(20);
  return fired;
}

async function immediates(): Promise<number> {
  let fired = 0;
  for (let i = 0; i < 20_000; i++) setImmediate(() => fired++);
  await later(5);
  return fired;
}

async function chain(): Promise<number> {
  let promise = Promise.resolve(0);
  for (let i = 0; i < 100_000; i++) promise = promise.then((n) => n + 1);
  return await promise;
}

async function nested(): Promise<number> {
  let promise: Promise<number> = Promise.resolve(20_000);
  for (let i = 0; i < 20_000; i++) {
    const before = promise;
    promise = new Promise((resolve) => resolve(before));
  }
  return await promise;
}

async function awaited(): Promise<number> {
  let count = 0;
  for (let i = 0; i < 100_000; i++) count += await 1;
  return count;
}

async function microtasks(): Promise<number> {
  let count = 0;
  for (let i = 0; i < 100_000; i++) queueMicrotask(() => count++);
  await later();
  return count;
}

function events(): number {
  const target = new EventTarget();
  let heard = 0;
  for (let i = 0; i < 1000; i++) target.addEventListener("tick", () => heard++);
  target.dispatchEvent(new Event("tick"));
  return heard;
}

function generators(): number {
  const count = function* (): Generator<number> {
    for (let i = 0; i < 100_000; i++) yield i;
  };
  return [...count()].length;
}

export const main = task({ name: "main", compute: "HIGH" }, async () => ({
  timeouts: await timeouts(),
  cleared: await cleared(),
  immediates: await immediates(),
  chain: await chain(),
  nested: await nested(),
  awaited: await awaited(),
  all: (await Promise.all(Array.from({ length: 100_000 }, (_, i) => Promise.resolve(i)))).length,
  race: await Promise.race(Array.from({ length: 100_000 }, (_, i) => Promise.resolve(i))),
  microtasks: await microtasks(),
  events: events(),
  pending: await Promise.race([
    ...Array.from({ length: 100_000 }, () => new Promise<string>(() => {})),
    Promise.resolve("done"),
  ]),
  generators: generators(),
}));

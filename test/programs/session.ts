/** A program that keeps what it can between calls. */
import { readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { task } from "@capsule-run/sdk";

let count = 0;
class Account {
  balance = 0;
  add(n: number): this {
    this.balance += n;
    return this;
  }
}
const account = new Account();
const closures: (() => number)[] = [];
function* numbers(): Generator<number> {
  for (let i = 0; ; i++) yield i;
}
const generator = numbers();
let left: Promise<unknown> = Promise.resolve();
let file: Awaited<ReturnType<typeof open>> | null = null;
const kept: Uint8Array[] = [];

const slow = task({ name: "slow" }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
const double = task({ name: "double" }, async (n: number) => n * 2);

const actions: Readonly<Record<string, (n: number) => unknown>> = {
  add: (n) => {
    count += n;
    account.add(n);
    closures.push(() => count + n);
    return [count, account.balance, generator.next().value, closures.map((each) => each())];
  },
  get: () => count,
  throw: (n) => {
    count += n;
    throw new TypeError("on purpose");
  },
  wrong: (n) => {
    count += n;
    return 10n;
  },
  later: (n) => {
    setTimeout(() => {
      count += n;
    }, 1);
  },
  wait: (n) => new Promise((resolve) => setTimeout(() => resolve(count), n)),
  // The exception ends the call; what it awaits ends in the next one, which is none of its business.
  race: () => {
    setTimeout(() => {
      throw new Error("from a timer");
    }, 5);
    return new Promise((resolve) => setTimeout(() => resolve("stale"), 30));
  },
  abandon: () => {
    left = slow();
    void fetch("http://127.0.0.1:9/").then(() => {});
  },
  abandoned: () => left.then((envelope) => (envelope as { error: { error_type: string } }).error.error_type),
  double: async (n) => ((await double(n)) as { result: number }).result,
  random: () => crypto.randomUUID(),
  open: async () => {
    file = await open("data/notes.txt", "w");
    await file.write("one ");
  },
  write: async () => {
    await file?.write("two");
    await file?.close();
    return readFileSync("data/notes.txt", "utf8");
  },
  spin: (n) => {
    count += n;
    writeFileSync("data/spun.txt", "spun");
    for (;;) count++;
  },
  bomb: (n) => {
    count += n;
    for (;;) kept.push(new Uint8Array(4_000_000).fill(1));
  },
  deep: (n) => {
    count += n;
    const go = (): number => go() + 1;
    return go();
  },
  hang: (n) => {
    count += n;
    return new Promise(() => {});
  },
};

export const main = task(
  {
    name: "main",
    compute: "HIGH",
    ram: "256MB",
    maxRetries: 2,
    allowedFiles: ["data"],
    allowedHosts: ["127.0.0.1"],
  },
  async (action: string, n = 0) => actions[action]?.(n),
);

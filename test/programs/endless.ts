// Work that never ends, each in a task of its own.
import { task } from "@capsule-run/sdk";

const spin = task({ name: "spin", timeout: "300ms", compute: "HIGH" }, () => {
  while (true) {}
});
const fuel = task({ name: "fuel", compute: "LOW" }, () => {
  while (true) {}
});
const exact = task({ name: "exact", compute: "1234567" }, () => {
  while (true) {}
});
const caught = task({ name: "caught", compute: "LOW" }, () => {
  while (true) {
    try {
      while (true) {}
    } catch {
    } finally {
    }
  }
});
const microtasks = task({ name: "microtasks", compute: "LOW" }, async () => {
  const again = (): Promise<void> => Promise.resolve().then(again);
  await again();
});
const microtaskTimeout = task({ name: "microtaskTimeout", compute: "HIGH", timeout: "300ms" }, async () => {
  const again = (): Promise<void> => Promise.resolve().then(again);
  await again();
});
const queued = task({ name: "queued", compute: "LOW" }, async () => {
  const again = (): void => queueMicrotask(again);
  again();
  await new Promise((resolve) => setTimeout(resolve, 1));
});
const thenable = task({ name: "thenable", compute: "LOW" }, async () => {
  // biome-ignore lint/suspicious/noThenProperty: a thenable that never stops resolving
  const endless = { then: (resolve: (value: unknown) => void) => resolve(endless) };
  await endless;
});
const regex = task({ name: "regex", compute: "LOW" }, () => /^(a+)+$/.test(`${"a".repeat(40)}!`));
const regexNamed = task({ name: "regexNamed", compute: "LOW" }, () =>
  /^(?<outer>(?<inner>a+)+)+\k<inner>$/.test(`${"a".repeat(40)}!`),
);
const regexLazy = task({ name: "regexLazy", compute: "LOW", timeout: "10s" }, () =>
  /(?:x*?y?)*?z(?<=(?:x*)*w)/su.test("xy".repeat(40)),
);
const regexReplace = task({ name: "regexReplace", compute: "LOW" }, () =>
  "x".repeat(50_000).replace(/x*y/g, ""),
);
const regexTimeout = task({ name: "regexTimeout", compute: "HIGH", timeout: "300ms" }, () =>
  /^(a+)+$/.test(`${"a".repeat(60)}!`),
);
const print = task({ name: "print", compute: "LOW" }, () => {
  while (true) console.log("again");
});
const timers = task({ name: "timers", compute: "LOW" }, async () => {
  const again = (): void => {
    setTimeout(again, 0);
    setImmediate(() => {
      for (let i = 0; i < 1000; i++);
    });
  };
  again();
  await new Promise(() => {});
});
const interval = task({ name: "interval", timeout: "400ms" }, async () => {
  setInterval(() => {}, 20);
  await new Promise(() => {});
});
const sleeper = task({ name: "sleeper", timeout: "300ms" }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
});
const syncWaiter = task({ name: "syncWaiter", timeout: "300ms" }, () => waitsLong());
const waitsLong = task(
  { name: "waitsLong" },
  () => new Promise<void>((resolve) => setTimeout(resolve, 3_600_000)),
);
const asyncWaiter = task({ name: "asyncWaiter", timeout: "300ms" }, async () => await waitsLongAsync());
const waitsLongAsync = task({ name: "waitsLongAsync" }, async () => {
  await new Promise<void>((resolve) => setTimeout(resolve, 3_600_000));
});
const generator = task({ name: "generator", compute: "LOW" }, () => {
  const forever = function* (): Generator<number> {
    for (let i = 0; ; i++) yield i;
  };
  return [...forever()].length;
});
const getter = task({ name: "getter", compute: "LOW" }, () => ({
  get endless(): number {
    while (true) {}
  },
}));
const toJson = task({ name: "toJson", compute: "LOW" }, () => ({
  toJSON(): unknown {
    while (true) {}
  },
}));
const proxyKeys = task(
  { name: "proxyKeys", compute: "LOW" },
  () =>
    new Proxy(
      {},
      {
        ownKeys: () => {
          while (true) {}
        },
      },
    ),
);
const throwsEndless = task({ name: "throwsEndless", compute: "LOW" }, () => {
  throw {
    get name(): string {
      while (true) {}
    },
    message: "x",
    stack: "y",
  };
});
const rejectsEndless = task({ name: "rejectsEndless", compute: "LOW" }, async () => {
  Promise.reject({
    get message(): string {
      while (true) {}
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
});
const promises = task({ name: "promises", compute: "LOW" }, async () => {
  let chain: Promise<unknown> = Promise.resolve();
  while (true) chain = chain.then(() => {});
});
const bigint = task({ name: "bigint", compute: "LOW" }, () => String(2n ** 1_000_000n).length);
const bigintTimeout = task({ name: "bigintTimeout", compute: "HIGH", timeout: "300ms" }, () => {
  let value = 3n;
  while (true) value = (value * value) % 2n ** 500_000n;
});
const search = task({ name: "search", compute: "LOW" }, () => {
  const hay = "a".repeat(10_000_000);
  while (hay.indexOf("ab") < 0);
});
const searchTimeout = task({ name: "searchTimeout", compute: "HIGH", timeout: "300ms" }, () => {
  const hay = "a".repeat(50_000_000);
  while (true) if (hay.includes(`${"a".repeat(1000)}b`)) return;
});
const copy = task({ name: "copy", compute: "HIGH", timeout: "300ms" }, () => {
  const buffer = new Uint8Array(256 * 1024 * 1024);
  while (true) buffer.copyWithin(1, 0);
});
const sort = task({ name: "sort", compute: "HIGH", timeout: "300ms" }, () => {
  const list = Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) % 1_000_003);
  while (true) list.toSorted();
});

const cases: Record<string, () => unknown> = {
  spin,
  fuel,
  exact,
  caught,
  microtasks,
  microtaskTimeout,
  queued,
  thenable,
  regex,
  regexNamed,
  regexLazy,
  regexReplace,
  regexTimeout,
  print,
  timers,
  interval,
  sleeper,
  syncWaiter,
  asyncWaiter,
  generator,
  getter,
  toJson,
  proxyKeys,
  throwsEndless,
  rejectsEndless,
  promises,
  bigint,
  bigintTimeout,
  search,
  searchTimeout,
  copy,
  sort,
};

export const main = task({ name: "main", compute: "HIGH" }, async () => {
  const envelopes: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(cases)) envelopes[name] = await run();
  return envelopes;
});

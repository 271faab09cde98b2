// Memory that no sandbox should get, and what stays possible after it was refused.
import { task } from "@capsule-run/sdk";

/** Indirect `eval`: in the global scope. */
const evaluate = new Function("code", "return (0, eval)(code)") as (code: string) => unknown;

const MB = 1024 ** 2;

/** What each answers is what the program still could do after it met its limit. */
const caught: Record<string, () => unknown> = {
  repeat: () => "x".repeat(10_000_000_000),
  padEnd: () => "x".padEnd(10_000_000_000, "yz"),
  doubling() {
    let s = "x".repeat(1024);
    while (true) s += s;
  },
  joined: () => new Array(1_000_000_000).join("0123456789"),
  replaced: () => "x".repeat(MB).replaceAll("x", "y".repeat(MB)),
  json: () => JSON.stringify(new Array(1000).fill("x".repeat(MB))),
  indented: () =>
    JSON.stringify(JSON.parse(`${"[".repeat(900)}1${"]".repeat(900)}`), null, 10) + "x".repeat(2 ** 31),
  arrays() {
    const all = [];
    while (true) all.push(new Array(1000).fill(1));
  },
  objects() {
    const all = [];
    for (let i = 0; ; i++) all.push({ i, text: `number ${i}` });
  },
  filled: () => new Array(2 ** 32 - 1).fill(0),
  from: () => Array.from({ length: 2 ** 32 - 1 }),
  fromHuge: () => Array.from({ length: Number.MAX_SAFE_INTEGER }, () => 1),
  maps() {
    const map = new Map();
    for (let i = 0; ; i++) map.set(i, i);
  },
  sets() {
    const set = new Set();
    for (let i = 0; ; i++) set.add(`${i}`);
  },
  symbols() {
    const all = [];
    for (let i = 0; ; i++) all.push(Symbol.for(`symbol ${i}`));
  },
  keys() {
    const object: Record<string, number> = {};
    for (let i = 0; ; i++) object[`key ${i}`] = i;
  },
  closures() {
    let f: () => unknown = () => 0;
    while (true) {
      const before = f;
      f = () => before;
    }
  },
  buffers() {
    const all = [];
    while (true) all.push(new Uint8Array(MB));
  },
  oneBuffer: () => new ArrayBuffer(8 * 1024 * MB),
  resizable() {
    const buffer = new ArrayBuffer(1, { maxByteLength: 2 ** 31 });
    buffer.resize(2 ** 31);
    return buffer.byteLength;
  },
  shared: () => new SharedArrayBuffer(8 * 1024 * MB),
  floats: () => new Float64Array(2 ** 30),
  bigints() {
    let value = 1n;
    while (value > 0n) value *= 2n ** 200_000n;
  },
  shifted: () => 1n << 10_000_000_000n,
  power: () => 2n ** 10_000_000n * 2n ** 10_000_000n,
  promises() {
    const all = [];
    while (true) all.push(new Promise(() => {}));
  },
  timers() {
    while (true) setTimeout(() => {}, 1_000_000);
  },
  generators() {
    const all = [];
    while (true) {
      const g = (function* () {
        yield 1;
      })();
      g.next();
      all.push(g);
    }
  },
  errors() {
    const all = [];
    while (true) all.push(new Error("x".repeat(1000)));
  },
  regexes() {
    const all = [];
    for (let i = 0; ; i++) all.push(new RegExp(`(a${i})+`));
  },
  code() {
    const all = [];
    for (let i = 0; ; i++) all.push(evaluate(`(function(){ return ${i} + "${"x".repeat(1000)}" })`));
  },
  spread() {
    const list = new Array(MB).fill(1);
    return Math.max(...list, ...list, ...list, ...list, ...list, ...list, ...list, ...list);
  },
  finalizers() {
    const registry = new FinalizationRegistry((held) => String(held));
    while (true) registry.register({}, new Array(100).fill("held"));
  },
  weakRefs() {
    const all = [];
    while (true) all.push(new WeakRef({ big: new Array(100).fill(1) }));
  },
  weakMaps() {
    const map = new WeakMap<object, unknown>();
    const keep = [];
    while (true) {
      const key = {};
      keep.push(key);
      map.set(key, new Array(10).fill(1));
    }
  },
};

const meet = (name: string): unknown => {
  try {
    return ["no error", typeof caught[name]?.()];
  } catch (error) {
    // The exception itself may be null where there is no memory for another one.
    return [error === null ? null : (error as Error).name];
  }
};
const survive = task({ name: "survive", ram: "16MB", compute: "2000000000" }, (name: string) => {
  const met = meet(name);
  const list = Array.from({ length: 1000 }, (_, i) => ({ i })).filter(({ i }) => i % 2);
  return [met, list.length, JSON.parse(JSON.stringify(list)).length];
});
const die = task({ name: "die", ram: "16MB", compute: "2000000000" }, (name: string) => {
  caught[name]?.();
});

/** Fills what it may have, as a program does that works with bytes. */
const fill = task({ name: "fill", ram: "64MB" }, () => {
  const all: Uint8Array[] = [];
  try {
    while (true) all.push(new Uint8Array(MB).fill(7));
  } catch (error) {
    return [all.length, (error as Error).name, (error as Error).message];
  }
});
/** More than once, in one sandbox: what was freed can be used again. */
const again = task({ name: "again", ram: "64MB" }, () => {
  const sizes: number[] = [];
  for (let i = 0; i < 20; i++) sizes.push(new Uint8Array(40 * MB).fill(i).length);
  return sizes;
});
const asyncDie = task({ name: "asyncDie", ram: "16MB" }, async () => {
  await null;
  const all = [];
  while (true) all.push(new Uint8Array(MB));
});
const resultDie = task({ name: "resultDie", ram: "16MB" }, () => new Array(100).fill("x".repeat(MB)));
const lazyDie = task({ name: "lazyDie", ram: "16MB" }, () => {
  const all = [];
  try {
    while (true) all.push(new Uint8Array(64 * 1024));
  } catch {}
  try {
    while (true) all.push(new Array(10).fill(all.length));
  } catch {}
  // Not even an exception can be described.
  throw new Error("at the end of memory");
});

export const main = task({ name: "main", compute: "HIGH" }, async () => {
  const rows: Record<string, unknown> = {};
  for (const name of Object.keys(caught)) rows[name] = { run: die(name), survive: survive(name) };
  return {
    rows,
    fill: fill(),
    again: again(),
    asyncDie: await asyncDie(),
    resultDie: resultDie(),
    lazyDie: lazyDie(),
  };
});

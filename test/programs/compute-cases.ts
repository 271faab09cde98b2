// Computing without clock and chance, for plain Node and the sandbox alike.

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

export const cases: Record<string, () => unknown> = {
  loop() {
    let x = 0;
    for (let i = 0; i < 200_000; i++) x = (x * 31 + i) % 1_000_003;
    return x;
  },
  sort() {
    const next = random(1);
    const list = Array.from({ length: 5000 }, () => Math.floor(next() * 1000));
    return list.toSorted((a, b) => a - b).filter((_, i) => i % 500 === 0);
  },
  json() {
    const next = random(2);
    const rows = Array.from({ length: 500 }, (_, i) => ({
      i,
      value: next(),
      tags: ["a", `t${i}`],
      nested: { deep: [i] },
    }));
    return JSON.parse(JSON.stringify(rows)).slice(490);
  },
  strings() {
    let text = "";
    for (let i = 0; i < 2000; i++) text += String.fromCharCode(97 + (i % 26));
    return [
      text.split("e").length,
      text.replaceAll("abc", "ABC").slice(0, 60),
      text.lastIndexOf("xyz"),
      [...text].reverse().join("").slice(0, 9),
    ];
  },
  regex() {
    const text = "key1=value1; key2=value2; ".repeat(200);
    return [...text.matchAll(/(?<key>\w+)=(?<value>\w+)/g)].slice(-2).map((match) => ({ ...match.groups }));
  },
  maps() {
    const map = new Map<string, number>();
    for (let i = 0; i < 5000; i++) map.set(`k${i % 700}`, (map.get(`k${i % 700}`) ?? 0) + i);
    return [...map].slice(-3);
  },
  floats() {
    const all = [];
    for (let i = 1; i < 300; i++)
      all.push(Math.sqrt(i) * i ** 1.5, 1 / i, i / 3 - i * 0.1, Math.hypot(i, 2), Number((i / 7).toFixed(3)));
    return all.slice(-20);
  },
  bigints() {
    let x = 1n;
    for (let i = 1n; i < 200n; i++) x *= i;
    return [
      String(x).length,
      String(x).slice(0, 20),
      String(x % 1_000_000_007n),
      (123456789123456789n ** 5n).toString(36),
    ];
  },
  typed() {
    const bytes = new Uint8Array(4096);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7) ^ (i >> 3);
    const view = new DataView(bytes.buffer);
    return [
      view.getFloat64(8),
      view.getUint32(12, true),
      view.getBigInt64(16).toString(),
      bytes.reduce((a, b) => a + b),
    ];
  },
  classes() {
    class Shape {
      #size: number;
      constructor(size: number) {
        this.#size = size;
      }
      get area(): number {
        return this.#size ** 2;
      }
    }
    class Cube extends Shape {
      override get area(): number {
        return 6 * super.area;
      }
    }
    return Array.from({ length: 1000 }, (_, i) => (i % 2 ? new Cube(i) : new Shape(i)).area).slice(-4);
  },
  generators() {
    const count = function* (to: number): Generator<number> {
      for (let i = 0; i < to; i++) yield i;
    };
    let sum = 0;
    for (const n of count(20_000)) sum += n;
    return sum;
  },
  dates: () =>
    [0, 951_782_400_000, 1_700_000_000_123, -1].map((ms) => [
      new Date(ms).toISOString(),
      new Date(ms).getUTCDay(),
    ]),
};

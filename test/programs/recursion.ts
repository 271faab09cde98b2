// Endless or far too deep recursion, by every way in which JavaScript calls itself.
import { task } from "@capsule-run/sdk";

type Unknown = Record<PropertyKey, unknown>;
const evaluate = new Function("code", "return (0, eval)(code)") as (code: string) => unknown;
const nest = (open: string, close: string, inner = "1", times = 20_000): string =>
  open.repeat(times) + inner + close.repeat(times);

/** These recurse without end. */
const endless: Record<string, () => unknown> = {
  plain() {
    const f = (): number => f() + 1;
    return f();
  },
  manyLocals() {
    const f = (a: number, b: number, c: number): number => {
      const [d, e, g, h] = [a, b, c, a + b];
      return f(d + 1, e + 1, g + 1) + h;
    };
    return f(1, 2, 3);
  },
  spread() {
    const f = (...args: number[]): number => f(...args, 1);
    return f();
  },
  getter() {
    const o = {
      get x(): number {
        return this.x;
      },
    };
    return o.x;
  },
  setter() {
    const o = {
      set x(value: number) {
        this.x = value;
      },
    };
    o.x = 1;
  },
  toJson() {
    const o = { toJSON: (): unknown => JSON.stringify(o) };
    return JSON.stringify(o);
  },
  replacer() {
    const f = (): string => JSON.stringify([1], f);
    return f();
  },
  reviver() {
    const f = (): unknown => JSON.parse("[1]", f);
    return f();
  },
  sort() {
    const f = (): number => [2, 1].sort(f).length;
    return f();
  },
  toString() {
    const o = { toString: (): string => `${o}` };
    return `${o}`;
  },
  valueOf() {
    const o = { valueOf: (): number => +(o as unknown as number) };
    return +(o as unknown as number);
  },
  toPrimitive() {
    const o = { [Symbol.toPrimitive]: (): number => (o as unknown as number) + 1 };
    return (o as unknown as number) + 1;
  },
  proxyGet() {
    const p: Unknown = new Proxy({} as Unknown, { get: (_, key) => p[key] });
    return p.x;
  },
  proxyHas() {
    const p: Unknown = new Proxy({} as Unknown, { has: (_, key) => key in p });
    return "x" in p;
  },
  proxyPrototype() {
    const p: object = new Proxy({}, { getPrototypeOf: () => Object.getPrototypeOf(p) });
    return Object.getPrototypeOf(p);
  },
  proxyOwnKeys() {
    const p: object = new Proxy({}, { ownKeys: () => Reflect.ownKeys(p) });
    return Object.keys(p);
  },
  proxyOfItself() {
    const target: Unknown = {};
    const p = new Proxy(target, {});
    Object.setPrototypeOf(target, p);
    return p.missing;
  },
  iterator() {
    const it: Iterable<number> = { [Symbol.iterator]: () => [...it][Symbol.iterator]() };
    return [...it];
  },
  generator() {
    const g = function* (): Generator<number> {
      yield* g();
    };
    return [...g()];
  },
  forEach() {
    const f = (): void => [1].forEach(f);
    f();
  },
  map() {
    const f = (): unknown => [1].map(f);
    return f();
  },
  reduce() {
    const f = (): unknown => [1, 2].reduce(f as never);
    return f();
  },
  arrayFrom() {
    const f = (): unknown => Array.from([1], f);
    return f();
  },
  mapForEach() {
    const f = (): void => new Map([[1, 2]]).forEach(f);
    f();
  },
  typedArray() {
    const f = (): unknown => new Uint8Array(1).map(f as never);
    return f();
  },
  replace() {
    const f = (): string => "a".replace(/a/, f);
    return f();
  },
  regexExec() {
    const r = /a/;
    r.exec = () => [String(r.test("a"))] as unknown as RegExpExecArray;
    return r.test("a");
  },
  classConstructor() {
    class A {
      child: A;
      constructor() {
        this.child = new A();
      }
    }
    return new A();
  },
  classField() {
    class A {
      child: unknown = new A();
    }
    return new A();
  },
  staticBlock() {
    const f = (): unknown =>
      class {
        static value = f();
        own = 1;
      };
    return f();
  },
  species() {
    class A extends Array<number> {
      static override get [Symbol.species](): ArrayConstructor {
        new A(1).map((x) => x);
        return Array;
      }
    }
    return new A(1).map((x) => x);
  },
  hasInstance() {
    const o = { [Symbol.hasInstance]: (): boolean => ({}) instanceof (o as never) };
    return {} instanceof (o as never);
  },
  apply() {
    const f = (): unknown => Reflect.apply(f, null, []);
    return f();
  },
  construct() {
    function F(): object {
      return Reflect.construct(F, []) as object;
    }
    return Reflect.construct(F, []);
  },
  bind() {
    const f = (): unknown => f.bind(null)();
    return f();
  },
  tagged() {
    const f = (_: TemplateStringsArray): unknown => f`x`;
    return f`x`;
  },
  defaults() {
    const f = (x: unknown = f()): unknown => x;
    return f();
  },
  destructuring() {
    const f = (): unknown => {
      const { a = f() } = {} as { a?: unknown };
      return a;
    };
    return f();
  },
  evaluated() {
    return evaluate("const f = () => eval('f()'); f()");
  },
  made() {
    const g = globalThis as unknown as { again?: () => unknown };
    g.again = new Function("return new Function('return again()')()") as () => unknown;
    return g.again();
  },
  accessorOnPrototype() {
    const o: Unknown = Object.create({
      get x(): unknown {
        return (o as Unknown).x;
      },
    });
    return o.x;
  },
  errorMessage() {
    const f = (): string => {
      throw new Error("x", { cause: { toString: f } });
    };
    const g = (): unknown => {
      try {
        return f();
      } catch {
        return g();
      }
    };
    return g();
  },
  flat() {
    const a: unknown[] = [];
    a.push(a);
    return a.flat(Number.POSITIVE_INFINITY);
  },
};

/** These are not endless, but deeper than any stack. */
const deep: Record<string, () => unknown> = {
  parentheses: () => evaluate(nest("(", ")")),
  brackets: () => evaluate(nest("[", "]")),
  braces: () => evaluate(nest("{", "}")),
  objects: () => evaluate(`(${nest("{'a':", "}")})`),
  unary: () => evaluate(`${"-+".repeat(20_000)}1`),
  not: () => evaluate(`${"!".repeat(20_000)}1`),
  typeOf: () => evaluate(`${"typeof ".repeat(20_000)}1`),
  arrows: () => evaluate(`${"x=>".repeat(20_000)}1`),
  conditionals: () => evaluate(`${"1?".repeat(20_000)}1${":1".repeat(20_000)}`),
  ifs: () => evaluate(`${"if(1)".repeat(20_000)};`),
  elses: () => evaluate(`${"if(1);else ".repeat(20_000)};`),
  loops: () => evaluate(`${"for(;0;)".repeat(20_000)};`),
  labels: () => evaluate(Array.from({ length: 20_000 }, (_, i) => `l${i}:`).join("")),
  templates: () => evaluate(nest("`${", "}`")),
  functions: () => evaluate(nest("(function(){", "})()")),
  classes: () => evaluate(nest("(class{static x=", "})")),
  news: () => evaluate(`${"new ".repeat(20_000)}Object`),
  powers: () => evaluate(`${"2**".repeat(20_000)}1`),
  assignments: () => evaluate(`var z;${"z=".repeat(20_000)}1`),
  commas: () => evaluate(`${"1,".repeat(200_000)}1`),
  plus: () => evaluate(`${"1+".repeat(200_000)}1`),
  members: () => evaluate(`var q={};q.q=q;q${".q".repeat(200_000)}`),
  optional: () => evaluate(`var q={};q.q=q;q${"?.q".repeat(20_000)}`),
  calls: () => evaluate(`var c=()=>c;c${"()".repeat(200_000)}`),
  destructured: () => evaluate(`var y;(${nest("[", "]", "y")}=[])`),
  yields: () => evaluate(`function*g(){${"yield ".repeat(20_000)}1}`),
  awaits: () => evaluate(`async function g(){${"await ".repeat(20_000)}1}`),
  strings: () => String(evaluate(`"${"\\n".repeat(1_000_000)}"`)).length,
  regexGroups: () => new RegExp(nest("(", ")", "a")).test("a"),
  regexPlainGroups: () => new RegExp(nest("(?:", ")*", "a")).test("a"),
  regexLookbehind: () => new RegExp(nest("(?<=", ")", "a")).test("a"),
  regexAlternatives: () => new RegExp(`${"a|".repeat(20_000)}b`).test("b"),
  regexClasses: () => new RegExp(nest("[", "]", "a"), "v").test("a"),
  jsonParse: () => JSON.parse(nest("[", "]", "1", 1_000_000)),
  jsonStringify() {
    let o: unknown = 1;
    for (let i = 0; i < 50_000; i++) o = [o];
    return JSON.stringify(o).length;
  },
  arrayToString() {
    let o: unknown = 1;
    for (let i = 0; i < 50_000; i++) o = [o];
    return String(o).length;
  },
  flatDeep() {
    let o: unknown[] = [1];
    for (let i = 0; i < 50_000; i++) o = [o];
    return o.flat(Number.POSITIVE_INFINITY).length;
  },
  clone() {
    let o: unknown = 1;
    for (let i = 0; i < 50_000; i++) o = [o];
    return Array.isArray(structuredClone(o));
  },
  proxies() {
    let p: Unknown = {};
    for (let i = 0; i < 100_000; i++) p = new Proxy(p, {});
    return p.x ?? "none";
  },
  proxyArrays() {
    let p: unknown[] = [];
    for (let i = 0; i < 100_000; i++) p = new Proxy(p, {});
    return Array.isArray(p);
  },
  bound() {
    let f = (): number => 1;
    for (let i = 0; i < 50_000; i++) {
      // A bound function's name is as long as the chain.
      f = f.bind(null);
      Object.defineProperty(f, "name", { value: "" });
    }
    return f();
  },
  boundInstance() {
    let F: unknown = class {};
    for (let i = 0; i < 50_000; i++) {
      F = (F as () => void).bind(null);
      Object.defineProperty(F, "name", { value: "" });
    }
    return {} instanceof (F as never);
  },
  prototypes() {
    let o: Unknown = {};
    for (let i = 0; i < 100_000; i++) o = Object.create(o) as Unknown;
    return o.x ?? "none";
  },
  ropes() {
    let s = "";
    for (let i = 0; i < 50_000; i++) s = `x${s}${i & 1 ? "é" : "y"}`;
    return s.charCodeAt(100) + s.length;
  },
  ropesRight() {
    let s = "";
    for (let i = 0; i < 50_000; i++) s = "ab".concat(s);
    return s.indexOf("ba") + s.length;
  },
  dropped() {
    let o: unknown = null;
    for (let i = 0; i < 200_000; i++) o = { o };
    o = null;
    return "freed";
  },
  droppedClosures() {
    let f: () => unknown = () => null;
    for (let i = 0; i < 200_000; i++) {
      const inner = f;
      f = () => inner;
    }
    f = () => null;
    return "freed";
  },
  iterators() {
    let it: IterableIterator<unknown> = [1][Symbol.iterator]();
    for (let i = 0; i < 50_000; i++)
      it = (it as never as { map(f: unknown): typeof it }).map((x: unknown) => x);
    return [...it].length;
  },
  causes() {
    let error = new Error("first");
    for (let i = 0; i < 50_000; i++) error = new Error("next", { cause: error });
    console.error(String(error));
    return "made";
  },
  printed() {
    let o: unknown = 1;
    for (let i = 0; i < 50_000; i++) o = { o };
    console.error(o);
    return "printed";
  },
  cyclicToString() {
    const a: unknown[] = [];
    a.push(a, a);
    return String(a);
  },
};

const all = { ...endless, ...deep };
const run = task({ name: "run", compute: "10000000000" }, (name: string) => {
  const value = all[name]?.();
  return value === undefined ? "undefined" : typeof value;
});
const survive = task({ name: "survive", compute: "10000000000" }, (name: string) => {
  try {
    all[name]?.();
    return "no error";
  } catch (error) {
    // What a program still needs after it has met its limit.
    const list = Array.from({ length: 1000 }, (_, i) => i).filter((i) => i % 2);
    const { name, message } = error as Error;
    return [name, message, error instanceof Error, list.length, JSON.stringify({ list }).length];
  }
});

export const main = task({ name: "main", compute: "HIGH" }, async () => {
  const rows: Record<string, unknown> = {};
  for (const name of Object.keys(all))
    rows[name] = { kind: name in endless ? "endless" : "deep", run: run(name), survive: survive(name) };
  return rows;
});

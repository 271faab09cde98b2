import {
  type Code,
  functionBody,
  globalGet,
  globalSet,
  i32,
  i32Add,
  i32Sub,
  localGet,
  localSet,
  localTee,
  sized,
} from "../assemble.ts";
import { u32 } from "../binary.ts";

/**
 * A random module that writes to memory in every way there is, in all kinds of control flow: `f` takes three
 * addresses. It ends, by a budget.
 */
export function randomStores(seed: number): Uint8Array {
  return new StoreGenerator(seed).module();
}

const FUNCTIONS = 5;
/** Only the first ones are called through the table, too. */
const IN_TABLE = 2;
const PARAMETERS = 3;
/** The frame's address, then locals for addresses. */
const [FRAME, LOCALS] = [PARAMETERS, 10];
const [STACK_POINTER, RANDOM, BUDGET] = [0, 1, 2];
/** Types: of the functions, of the one that gives a pair, of a block that takes one and leaves one, of the tag. */
const [WORK, PAIR, THROUGH, TAG] = [0, 1, 2, 3];
const [I32, VOID] = [0x7f, 0x40];

interface Store {
  readonly code: Code;
  readonly value: keyof typeof VALUES;
  readonly alignment: number;
}

const VALUES = {
  i32: (n: number) => i32(n),
  i64: (n: number) => [0x42, ...i32(n).slice(1)],
  f32: (n: number) => [0x43, n & 255, 2, 3, 4],
  f64: (n: number) => [0x44, n & 255, 2, 3, 4, 5, 6, 7, 8],
  v128: (n: number) => [0xfd, 12, ...new Array<number>(16).fill((n & 127) + 1)],
};

const STORES: readonly Store[] = [
  { code: [0x36], value: "i32", alignment: 2 },
  { code: [0x37], value: "i64", alignment: 3 },
  { code: [0x38], value: "f32", alignment: 2 },
  { code: [0x39], value: "f64", alignment: 3 },
  { code: [0x3a], value: "i32", alignment: 0 },
  { code: [0x3b], value: "i32", alignment: 1 },
  { code: [0x3c], value: "i64", alignment: 0 },
  { code: [0x3d], value: "i64", alignment: 1 },
  { code: [0x3e], value: "i64", alignment: 2 },
  { code: [0xfd, 11], value: "v128", alignment: 4 },
  { code: [0xfd, 88], value: "v128", alignment: 0 },
  { code: [0xfd, 91], value: "v128", alignment: 3 },
];

class StoreGenerator {
  private state: number;
  private readonly frameSize: number;
  private readonly newExceptions: boolean;

  constructor(seed: number) {
    this.state = Math.imul(seed, 0x9e3779b1) >>> 0;
    this.newExceptions = seed % 2 === 0;
    this.frameSize = 16 * (1 + this.random(90));
  }

  module(): Uint8Array {
    const section = (id: number, ...items: Code[]) => {
      const body = [...u32(items.length), ...items.flat()];
      return [id, ...u32(body.length), ...body];
    };
    const name = (text: string) => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
    const global = (value: number) => [I32, 1, ...i32(value), 0x0b];
    const functions = Array.from({ length: FUNCTIONS }, () => sized(this.function()));
    const pair = functionBody(
      [],
      [...localGet(0), ...this.stored(9)],
      [...localGet(0), ...i32(64), ...i32Add, ...i32(this.value())],
    );
    const count = (n: number) => [12, 1, n];
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(
        1,
        [0x60, 3, I32, I32, I32, 1, I32],
        [0x60, 1, I32, 2, I32, I32],
        [0x60, 1, I32, 1, I32],
        [0x60, 1, I32, 0],
      ),
      ...section(3, ...functions.map(() => [WORK]), [PAIR]),
      ...section(4, [0x70, 0, IN_TABLE]),
      ...section(5, [0, 2]),
      ...section(13, [0, TAG]),
      ...section(6, global(60_000), global(this.state | 0), global(500)),
      ...section(7, [...name("memory"), 2, 0], [...name("f"), 0, 0], [...name("sp"), 3, STACK_POINTER]),
      ...section(9, [0, ...i32(0), 0x0b, IN_TABLE, 0, 1]),
      ...count(1),
      ...section(10, ...functions, sized(pair)),
      ...section(11, [1, 64, ...new Array<number>(64).fill(0x77)]),
    ]);
  }

  /** Below `limit`. */
  private random(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  private pick<T>(...choices: (() => T)[]): T {
    return (choices[this.random(choices.length)] as () => T)();
  }

  private value(): number {
    return 1 + this.random(250);
  }

  private local(): number {
    return this.random(LOCALS + PARAMETERS + 1);
  }

  private distance(): number {
    return this.pick(
      () => this.random(64) - 20,
      () => this.random(1200) - 600,
      () => 4 * this.random(40),
    );
  }

  private function(): number[] {
    const frame = [...globalGet(STACK_POINTER), ...i32(this.frameSize), ...i32Sub];
    const settle = Array.from({ length: LOCALS }, (_, i) => [
      ...i32(700 + this.random(60_000)),
      ...localSet(FRAME + 1 + i),
    ]);
    const locals = new Array<"i32">(LOCALS + 1).fill("i32");
    return functionBody(
      locals,
      [...frame, ...localTee(FRAME), ...globalSet(STACK_POINTER)],
      this.random(50) ? settle.flat() : [],
      this.statements(0, 0),
      this.statements(0, 0),
      this.statements(0, 0),
      [...localGet(FRAME), ...i32(this.frameSize), ...i32Add, ...globalSet(STACK_POINTER)],
      localGet(this.local()),
    );
  }

  private statements(depth: number, labels: number): Code {
    return Array.from({ length: 1 + this.random(4) }, () => this.statement(depth, labels)).flat();
  }

  private statement(depth: number, labels: number): Code {
    const inner = (more = 1) => this.statements(depth + 1, labels + more);
    const simple = () => this.simple(depth);
    if (depth > 3) return simple();
    return this.pick(
      ...[simple, simple, simple, simple, simple],
      () => [0x02, VOID, ...inner(), 0x0b],
      () => [...this.condition(), 0x04, VOID, ...inner(), 0x0b],
      () => [...this.condition(), 0x04, VOID, ...inner(), 0x05, ...inner(), 0x0b],
      () => [0x03, VOID, ...this.spend(1), ...inner(), ...this.condition(), 0x0d, 0, 0x0b],
      // A loop that an address runs through.
      () => [
        ...this.address(depth),
        0x03,
        THROUGH,
        ...this.spend(1),
        ...localTee(this.local()),
        ...i32(this.distance()),
        ...i32Add,
        ...this.condition(),
        0x0d,
        0,
        ...this.stored(depth),
        ...localGet(this.local()),
        0x0b,
        0x1a,
      ],
      () => (labels ? [...this.condition(), 0x0d, this.random(labels)] : simple()),
      () => (labels ? [...this.condition(), 0x04, VOID, 0x0c, 1 + this.random(labels), 0x0b] : simple()),
      () =>
        labels
          ? [...this.bits(3), 0x0e, 3, ...Array.from({ length: 4 }, () => this.random(labels))]
          : simple(),
      () => this.try(inner),
      () => this.try(inner),
      () => [...this.bits(15), 0x45, 0x04, VOID, ...this.address(depth), 0x08, 0, 0x0b],
      () => [...this.spend(3), ...this.arguments(depth), 0x10, this.random(FUNCTIONS), 0x1a],
      // The first two arguments come as a pair, and a tail call.
      () => [
        ...this.spend(3),
        ...this.pair(depth),
        ...this.address(depth),
        0x10,
        this.random(FUNCTIONS),
        0x1a,
      ],
      () => [
        ...[...this.spend(9), ...this.condition(), 0x04, VOID],
        ...(this.random(2) ? this.arguments(depth) : [...this.pair(depth), ...this.address(depth)]),
        ...[0x12, this.random(FUNCTIONS), 0x0b],
      ],
      () => [
        ...this.spend(3),
        ...this.arguments(depth),
        ...this.bits(IN_TABLE - 1),
        0x11,
        WORK,
        0,
        ...localSet(this.local()),
      ],
    );
  }

  /** V8 does not take the old instructions and the new ones in one module. */
  private try(inner: (more?: number) => Code): Code {
    // (block (try_table (catch_all 0) …))
    if (this.newExceptions) return [0x02, VOID, 0x1f, VOID, 1, 2, 0, ...inner(2), 0x0b, 0x0b];
    const handler = this.random(2) ? [0x07, 0, ...localSet(this.local())] : [0x19];
    return [0x06, VOID, ...inner(), ...handler, ...inner(), 0x0b];
  }

  private simple(depth: number): Code {
    const address = () => this.address(depth);
    const length = () => i32(this.random(3) ? this.random(200) : this.random(9000));
    return this.pick(
      () => [...address(), ...this.stored(depth)],
      () => [...address(), ...this.stored(depth)],
      () => [...address(), ...this.stored(depth)],
      () => this.frameStore(),
      () => [...address(), ...localSet(this.local())],
      () => this.moveOn(),
      () => [...address(), ...i32(this.value()), ...length(), 0xfc, 11, 0],
      () => [...address(), ...address(), ...length(), 0xfc, 10, 0, 0],
      () => [...address(), ...i32(0), ...i32(this.random(64)), 0xfc, 8, 0, 0],
      () => (this.random(4) ? this.frameStore() : [...i32(this.random(3)), 0x40, 0, 0x1a]),
      () => [...this.pair(depth), 0x36, ...this.place(2)],
    );
  }

  private moveOn(): Code {
    const local = this.local();
    return [...localGet(local), ...i32(this.random(80) - 36), ...i32Add, ...localSet(local)];
  }

  private frameStore(): Code {
    return [...localGet(FRAME), ...i32(this.value()), 0x36, 2, ...u32(this.random(this.frameSize - 4))];
  }

  /** A value, and the store of it to what is below. */
  private stored(depth: number): Code {
    const { code, value, alignment } = STORES[this.random(STORES.length)] as Store;
    const lane = code[0] === 0xfd && code[1] !== 11 ? [this.random(2)] : [];
    const simple = VALUES[value](this.value());
    const involved =
      value === "i32" && this.random(4) === 0 && depth < 4
        ? [0x02, I32, ...this.statements(depth + 1, 0), ...simple, 0x0b]
        : simple;
    return [...involved, ...code, ...this.place(alignment), ...lane];
  }

  private place(alignment: number): Code {
    return [this.random(alignment + 1), ...u32(this.random(4) ? this.random(80) : this.random(3000))];
  }

  private address(depth: number): Code {
    return this.pick(
      () => i32(700 + this.random(60_000)),
      () => localGet(this.local()),
      () => [...localGet(this.local()), ...i32(this.distance()), ...i32Add],
      () => [...i32(this.distance()), ...localGet(this.local()), ...i32Add],
      () => [...localGet(this.local()), ...i32(this.distance()), ...i32Sub],
      () => [
        ...localGet(this.local()),
        ...localGet(this.local()),
        ...i32Add,
        ...i32(0x7fff),
        0x71,
        ...i32(600),
        ...i32Add,
      ],
      () => (depth > 4 ? localGet(this.local()) : [...this.address(depth + 1), ...localTee(this.local())]),
      () =>
        depth > 4
          ? localGet(this.local())
          : [...this.address(depth + 1), ...this.address(depth + 1), ...this.condition(), 0x1b],
      () =>
        depth > 3
          ? localGet(this.local())
          : [
              ...this.condition(),
              0x04,
              I32,
              ...this.statements(depth + 2, 0),
              ...this.address(depth + 1),
              0x05,
              ...this.address(depth + 1),
              0x0b,
            ],
      () =>
        depth > 3
          ? localGet(this.local())
          : [...this.address(depth + 1), 0x02, THROUGH, ...this.statements(depth + 2, 0), 0x0b],
    );
  }

  /** An address and a value that come together. */
  private pair(depth: number): Code {
    return [...this.address(depth), 0x10, FUNCTIONS];
  }

  private arguments(depth: number): Code {
    return [...this.address(depth + 1), ...this.address(depth + 1), ...this.address(depth + 1)];
  }

  /** A pseudo-random bit or some. */
  private bits(mask: number): Code {
    const next = [
      ...globalGet(RANDOM),
      ...i32(1103515245),
      0x6c,
      ...i32(12345),
      ...i32Add,
      ...globalSet(RANDOM),
    ];
    return [...next, ...globalGet(RANDOM), ...i32(16 + this.random(8)), 0x76, ...i32(mask), 0x71];
  }

  private condition(): Code {
    return this.bits(1);
  }

  /** Returns when the budget is used up. */
  private spend(units: number): Code {
    const less = [...globalGet(BUDGET), ...i32(units), ...i32Sub, ...globalSet(BUDGET)];
    return [...less, ...globalGet(BUDGET), ...i32(0), 0x48, 0x04, VOID, ...i32(0), 0x0f, 0x0b];
  }
}

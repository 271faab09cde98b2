import assert from "node:assert/strict";
import { Console } from "node:console";
import { Writable } from "node:stream";
import test from "node:test";
import { main, openGuest, runMain } from "./testing.ts";

/** What Node's console writes for the same statements. */
function inNode(code: string): { stdout: string; stderr: string } {
  const written = { stdout: "", stderr: "" };
  const to = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += `${chunk}`;
        done();
      },
    });
  const console = new Console({ stdout: to("stdout"), stderr: to("stderr"), colorMode: false });
  new Function("console", code)(console);
  return written;
}

const printed = [
  "'text', 'two words', 'ü😀'",
  "1, -0, 0, 1.5, NaN, Infinity, 1e21",
  "true, null, undefined",
  "10n, Symbol('s'), Symbol()",
  "['a', 1, null, undefined, true, -0]",
  "{}, [], { a: 1 }, { 'b c': 1, 2: 3 }",
  "{ a: { b: { c: { d: 1 } } } }",
  "[[[[1]]]]",
  "Array.from({ length: 120 }, (_, i) => i)",
  "Array.from({ length: 30 }, (_, i) => 'item ' + i)",
  "[1, , 3, , , 6]",
  "Object.assign([1], { x: 2 })",
  "{ text: 'it\\'s', both: '\"\\'', line: 'a\\nb' }",
  "'x'.repeat(200)",
  "{ long: 'x'.repeat(200), other: 'y'.repeat(100) }",
  "new Map([['a', 1], [{ k: 1 }, new Map()]]), new Set([1, 'b', [2]])",
  "new Date(0), new Date(NaN), { at: new Date(1e12) }",
  "/a+/gi, [/x/]",
  "() => {}, function named() {}, class A {}, class B extends Array {}, async () => {}, function* g() {}",
  "{ f() {}, g: () => 1, get x() { return 1 }, set x(v) {}, set y(v) {}, get z() { return 2 } }",
  "class Foo { constructor() { this.a = 1 } }; ",
  "Object.create(null), Object.create({ inherited: 1 })",
  "new (class Foo { a = 1; #p = 2 })()",
  "new (class extends Map {})([[1, 2]])",
  "new Uint8Array([1, 2, 3]), new Float64Array(2), new Uint8Array(200)",
  "new ArrayBuffer(4), new DataView(new ArrayBuffer(2))",
  "Object(1), Object('s'), Object(true), Object(Symbol('w')), Object(5n)",
  "[undefined, null], { u: undefined }",
  "{ [Symbol('k')]: 1, [Symbol.iterator]: 2 }",
  "(() => { const o = { name: 'self' }; o.me = o; o.list = [o]; return o })()",
  "globalThis.undefinedThing, typeof console",
  "JSON, Math, Reflect",
  "[new Error('in array').message]",
  "new WeakMap(), new WeakSet()",
  "'%s is %d and %i, %f, %j, %o, %O, %c, %%', 'text', 42.5, 42.9, '1.5', { a: 1 }, { b: 2 }, { c: { d: { e: { f: 1 } } } }, 'css', 'rest'",
  "'%s', null, undefined, 'extra'",
  "'%s %s', 'one'",
  "'%d %d', '0x10', 'nope'",
  "'%s', Symbol('a')",
  "'%s', { toString() { return 'custom' } }",
  "'%s', class A {}",
  "'%s', [1, [2, [3]]]",
  "'100%', 5",
  "'%x', 5",
  "5, '%s', 6",
  "{ a: 1n, b: Symbol('c'), d: -0 }",
  "Object.defineProperty({}, 'hidden', { value: 1 })",
  "(function () { return arguments })(1, 2).length",
  "[['a', 'b'], ['c', 'd']]",
  "[{ a: 1, b: 2 }, { a: 3, b: 4 }]",
  "{ a: [{ b: { c: {} } }] }",
  "Array.from({ length: 7 }, (_, i) => ({ id: i, name: 'user' + i }))",
  "{ deep: { map: new Map([[{ a: { b: 1 } }, 'v']]) } }",
  "'a\\tb\\u0001', ['a\\tb\\u0001\\u001b[31m']",
  "Object.freeze([1, 2])",
  "{ toJSON() { return 1 }, x: 1 }",
  "{ [Symbol.toStringTag]: 'Tagged', a: 1 }",
  "{ constructor: 'x' }",
  "new (class { get [Symbol.toStringTag]() { return 'T' } })()",
  "{ [Symbol.for('nodejs.util.inspect.custom')]() { return 'custom!' } }",
  "'multi\\nline', { a: 'multi\\nline' }",
  "['multi\\nline'.repeat(10)]",
  "Number, String, Object, Promise, Symbol",
  "globalThis === global",
  "new Array(5), new Array(3).fill()",
  "{ '': 1, 'a-b': 2, a_b: 3, 'ü': 4 }",
  "[1.0, 22.5, 333, 4, 5, 6, 7, 8, 9, 10]",
];

test("console.log prints as Node's", async () => {
  using guest = await openGuest();
  for (const args of printed) {
    const code = args.startsWith("class Foo {")
      ? `${args} console.log(new Foo(), Foo)`
      : `console.log(${args})`;
    guest.out.stdout = "";
    guest.evaluate(`{ ${code} }; 0`);
    assert.equal(guest.out.stdout, inNode(code).stdout, code);
  }
});

test("errors print their stack, cause and properties", async () => {
  using guest = await openGuest();
  const print = (code: string): string => {
    guest.out.stdout = "";
    guest.evaluate(`{ ${code} }; 0`);
    return guest.out.stdout.replaceAll(/^ +at .*\n/gm, "").replaceAll(/ {4}at .*? \{/g, "{");
  };
  assert.match(
    guest.evaluate("{ function f() { return new TypeError('bad').stack }; f() }"),
    /^TypeError: bad\n {4}at f \(capsule:program:1:\d+\)\n {4}at <eval> \(capsule:program:1:\d+\)$/,
  );
  assert.match(print("console.log(new Error('x'))"), /^Error: x/);
  assert.match(
    print("class NotFound extends Error {}; console.log(new NotFound('x'))"),
    /^NotFound \[Error\]: x/,
  );
  const full = guest.out.stdout;
  assert.ok(!full.includes("capsule:prelude") && !full.includes("<input>"), full);
  assert.match(
    print("console.log(Object.assign(new Error('x', { cause: new Error('y') }), { code: 'E1' }))"),
    /^Error: x[\s\S]*code: 'E1'[\s\S]*\[cause\]: Error: y/,
  );
  assert.match(print("console.log({ e: new RangeError('in object') })"), /e: RangeError: in object/);
  assert.match(
    print("console.log(new AggregateError([new Error('one')], 'all'))"),
    /AggregateError: all[\s\S]*\[errors\]/,
  );
  assert.equal(print("console.log('%s', new Error('x'))").split("\n")[0], "Error: x");
  assert.equal(
    guest.evaluate("const e = new Error('a'); e.stack = 'mine'; e.stack + Object.keys(e)"),
    "mine",
  );
  assert.match(
    guest.evaluate("const o = { name: 'N', message: 'm' }; (() => Error.captureStackTrace(o))(); o.stack"),
    /^N: m\n {4}at <anonymous> \(capsule:program/,
  );
  assert.equal(guest.evaluate("Object.keys(Object.assign(new Error('q'))).length"), "0");
});

test("each method writes where and what Node's does", async () => {
  using guest = await openGuest();
  const statements = [
    "console.log(); console.log(''); console.log('a', 'b'); console.info('i'); console.debug('d');",
    "console.warn('w', 1); console.error('e', { a: 1 });",
    "console.group('G'); console.log('in'); console.group(); console.log('deep\\nlines', { a: 1 }); console.warn('w\\nv'); console.groupEnd(); console.groupCollapsed('C', 1); console.log('x'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('out');",
    "console.assert(true, 'no'); console.assert(false); console.assert(false, 'why', 1); console.assert(0, { a: 1 }); console.assert(false, '%s!', 'fmt');",
    "console.count(); console.count(); console.count('x'); console.countReset(); console.count(); console.count(5);",
    "console.dir({ a: { b: { c: { d: 1 } } } }); console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 }); console.dirxml({ a: 1 }, [2]); console.dir('text');",
    "console.table([{ a: 1, b: 'two' }, { a: 3, c: { d: 1 } }]); console.table([[1, 2], [3, 4]]); console.table(['x', 'y']); console.table({ r1: { c: 1 }, r2: { c: 2 } });",
    "console.table([{ a: 1, b: 2 }], ['b']); console.table(new Map([['k', 1], ['l', { m: 2 }]])); console.table(new Set([1, 'b'])); console.table(5); console.table([]); console.table([1, { a: 2 }]); console.table([{ w: '日本', e: '😀' }, { w: 'abc' }]);",
    "console.table(null); console.table([{ a: { x: 1, y: 2, z: 3 }, b: [1, 2, 3, 4, 5] }]);",
    "const { log, error } = console; log('detached'); error('too');",
    "console.clear(); console.log('%s');",
  ];
  for (const code of statements) {
    guest.out.stdout = "";
    guest.out.stderr = "";
    guest.evaluate(`{ ${code} }; 0`);
    assert.deepEqual({ ...guest.out }, inNode(code), code);
  }
});

test("console.trace, time, and warnings", async () => {
  const { guest } = await runMain(
    main(
      `console.trace('here %d', 1); console.time('t'); await new Promise((r) => setTimeout(r, 1500)); console.timeLog('t', { a: 1 });
       await new Promise((r) => setTimeout(r, 61_000)); console.timeEnd('t'); console.timeEnd('t'); console.countReset('n'); console.time(); console.time(); console.timeEnd();`,
      "",
      "async",
    ),
  );
  assert.match(
    guest.out.stderr,
    /^Trace: here 1\n {4}at <anonymous> \(capsule:program:1:\d+\)\nWarning: No such label 't' for console.timeEnd\(\)\nWarning: Count for 'n' does not exist\nWarning: Label 'default' already exists for console.time\(\)\n$/,
  );
  assert.match(
    guest.out.stdout,
    /^t: 1\.50\ds \{ a: 1 \}\nt: 1:02\.50\d \(m:ss\.mmm\)\ndefault: [0-9.]+ms\n$/,
  );
  guest[Symbol.dispose]();
});

test("long output crosses in pieces of at most 64 KiB, and is well-formed", async () => {
  const { guest } = await runMain(
    main("console.log('€'.repeat(100_000)); console.log('😀'.repeat(50_001), 'x\\ud800')"),
  );
  assert.equal(guest.out.stdout, `${"€".repeat(100_000)}\n${"😀".repeat(50_001)} x\ufffd\n`);
  for (const piece of guest.writes) {
    assert.ok(Buffer.byteLength(piece) <= 65_536);
    assert.ok(piece.isWellFormed());
  }
  guest[Symbol.dispose]();
});

test("printing works in a realm that a program has changed", async () => {
  using guest = await openGuest();
  guest.evaluate(
    "Array.prototype.last = function () {}; Object.defineProperty(Array.prototype, Symbol('k'), { value: 1 }); String.prototype[Symbol.for('z')] = 1; 0",
  );
  guest.evaluate("console.log({ a: [1] }); 0");
  assert.equal(guest.out.stdout, "{ a: [ 1 ] }\n");
  assert.equal(guest.evaluate("typeof Atomics + Reflect.ownKeys({ [Symbol('q')]: 1 }).length"), "undefined1");
});

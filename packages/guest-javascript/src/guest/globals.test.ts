import assert from "node:assert/strict";
import test from "node:test";
import { inBoth, main, openGuest, runMain } from "./testing.ts";

/** Each snippet must come to the same in the guest as in Node. */
async function same(snippets: readonly string[]): Promise<void> {
  const { guest, node } = await inBoth(snippets);
  const differing = (answers: readonly string[]) =>
    snippets.flatMap((snippet, i) => (guest[i] === node[i] ? [] : [`${snippet} → ${answers[i]}`]));
  assert.deepEqual(differing(guest), differing(node));
}

test("URL", async () => {
  const inputs = [
    "https://user:pa%20ss@example.com:8443/a/./b/../c?x=1&y=%C3%BC#frag",
    "HTTP://EXAMPLE.com:80/%7Efoo/../bar?q=ü ö#ä",
    "file:///C:/x/../y",
    "http://bücher.de/straße",
    "http://xn--bcher-kva.de",
    "http://faß.de/",
    "http://[::1]:3000/",
    "http://0x7f.1/",
    "http://192.168.257/",
    "mailto:a@b.c",
    "data:text/plain,hi there",
    "javascript:alert(1)",
    "http://a b/",
    "http://exa%mple.com",
    "nothing",
    "http://ex.com:99999",
    "blob:https://a.com/x",
    "http://a.com?'\"<>`{}",
    "ws://a.com:80/p#",
    "http://日本語.jp:80/パス?ク=エ",
    ...["http://אבג.example/", "http://אa.example/", "http://א1.example/", "http://نامه\u200cای.example/"],
    ...[
      "http://a\u200cb.example/",
      "http://\u0301a.example/",
      "http://क्\u200dष.example/",
      "http://٠1א.example/",
    ],
  ];
  const failure = (run: string) =>
    `try { ${run} } catch (e) { return [e.name, e.message, { ...e }, e instanceof TypeError] }`;
  await same([
    ...[
      "new URL('x')",
      "new URL('x', 'y')",
      "new URL('//', 'http://a')",
      "new URL('http://a').href = 'x'",
    ].map(failure),
    ...inputs.map(
      (input) =>
        `const u = new URL(${JSON.stringify(input)}); return [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, [...u.searchParams]]`,
    ),
    "return ['../x', '?q', '#h', '//h/p', '/abs', 'http://o/'].map((r) => new URL(r, 'http://a/b/c/d?x#y').href)",
    "return [URL.canParse('http://a'), URL.canParse('a'), URL.parse('a'), URL.parse('http://a').href]",
    "const u = new URL('http://a/b'); u.port = '8080'; u.hash = 'x y'; u.search = '?a=b c'; u.pathname = 'ü'; u.hostname = 'ö.de'; u.protocol = 'https'; return u",
    "const u = new URL('http://a/?x=1'); u.searchParams.append('y', 'a&b'); u.searchParams.delete('x'); return u.href",
    "return [new URLSearchParams('?a=1&b=2&a=3').getAll('a'), new URLSearchParams([['x', 'y z']]).toString(), new URLSearchParams({ q: '+é' }).toString()]",
    "const p = new URLSearchParams('b=1&a=2&c'); p.sort(); return [p.toString(), p.has('c'), p.size, [...p.keys()], p.get('nope')]",
    "return [typeof URL, URL.name, URLSearchParams.name, Object.prototype.toString.call(new URL('http://a'))]",
    "new URL()",
    "new URL('::')",
  ]);
});

test("TextEncoder and TextDecoder", async () => {
  const bytes = [
    [],
    [0x61],
    [0xef, 0xbb, 0xbf, 0x61],
    [0xc3, 0xa4],
    [0xc3],
    [0xe2, 0x82],
    [0xf0, 0x9f, 0x98, 0x80],
    [0xf0, 0x9f, 0x98],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xff, 0x41, 0xfe],
    [0xf5, 0x80, 0x80, 0x80],
    [0x41, 0xe2, 0x28, 0xa1, 0x42],
  ];
  await same([
    ...bytes.flatMap((list) => [
      `return new TextDecoder().decode(new Uint8Array(${JSON.stringify(list)}))`,
      `return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(${JSON.stringify(list)}))`,
      `return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(${JSON.stringify(list)}))`,
      `return new TextDecoder('utf-16le').decode(new Uint8Array(${JSON.stringify(list)}))`,
      `return new TextDecoder('latin1').decode(new Uint8Array(${JSON.stringify(list)}))`,
    ]),
    "return [...new TextEncoder().encode('hé€😀\\ud800x\\udc00')]",
    "return [...new TextEncoder().encode()]",
    "const t = new Uint8Array(5); return [new TextEncoder().encodeInto('aé€', t), [...t]]",
    "return [new TextEncoder().encoding, new TextDecoder('UTF8').encoding, new TextDecoder('ascii').encoding, new TextDecoder().fatal]",
    "const d = new TextDecoder(); return [0xf0, 0x9f, 0x98, 0x80, 0xe2].map((b) => d.decode(new Uint8Array([b]), { stream: true })).join('|') + d.decode()",
    "return new TextDecoder().decode(new Uint8Array([97, 98, 99, 100]).buffer) + new TextDecoder().decode(new DataView(new ArrayBuffer(2), 1))",
    "return new TextDecoder().decode(new Uint8Array([1, 97, 98]).subarray(1))",
    "new TextDecoder('nope')",
    "return [TextEncoder.name, TextDecoder.name, String(new TextEncoder()), String(new TextDecoder())]",
    "return new TextDecoder('windows-1252').decode(new Uint8Array([0x80, 0x99, 0xe4]))",
  ]);
});

test("structuredClone", async () => {
  await same([
    "return structuredClone({ a: [1, , { b: null }], u: undefined, n: NaN, s: 'x' })",
    "const o = { a: 1 }; o.self = o; const c = structuredClone(o); return [c !== o, c.self === c]",
    "const s = {}; const c = structuredClone([s, s]); return [c[0] === c[1], c[0] !== s]",
    "const c = structuredClone(new Map([[{ k: 1 }, new Set([1, 'a', [2]])]])); return [c instanceof Map, [...c].map(([k, v]) => [k, [...v]])]",
    "const d = structuredClone(new Date(5)); return [d instanceof Date, d.getTime()]",
    "const r = /a(b)/giu; r.lastIndex = 3; const c = structuredClone(r); return [c.source, c.flags, c.lastIndex]",
    "const c = structuredClone([Object(1n) + '', Object(true), Object('s'), Object(4)]); return [c, typeof c[1], c[1] instanceof Boolean]",
    "return [structuredClone(10n) + '', String(structuredClone(undefined)), Object.is(structuredClone(-0), -0)]",
    "const b = new Uint16Array([1, 2, 3]); const c = structuredClone({ v: b.subarray(1), w: new DataView(b.buffer, 2) }); return [[...c.v], c.v.byteOffset, c.v.buffer === c.w.buffer, c.w.byteLength]",
    "const b = new Uint8Array([1, 2]); const c = structuredClone(b, { transfer: [b.buffer] }); return [b.byteLength, [...c]]",
    "const b = new ArrayBuffer(2); try { structuredClone({ b, f() {} }, { transfer: [b] }) } catch {} return b.byteLength",
    "const b = new ArrayBuffer(2); structuredClone(b, { transfer: [b, b] })",
    "structuredClone(1, { transfer: [{}] })",
    "class A { x = 1; get y() { return 2 } #z = 3 } const c = structuredClone(new A()); return [c, c.constructor === Object]",
    "class E extends TypeError { name = 'Custom'; code = 5 } const c = structuredClone(new E('m', { cause: { a: 1 } })); return [c instanceof TypeError, c.constructor.name, c.name, c.message, c.cause, c.code]",
    "const c = structuredClone(new RangeError('r')); return [c.constructor.name, c.message, Object.keys(c), typeof c.stack]",
    "const o = { get a() { return 7 } }; return structuredClone(o)",
    "return structuredClone(Object.create({ inherited: 1 }, { hidden: { value: 2 }, shown: { value: 3, enumerable: true } }))",
    "const a = [1, 2]; a.extra = 'x'; return structuredClone(a).extra",
    "return structuredClone({ ['__proto__']: 1, [Symbol('s')]: 2 })",
    "structuredClone(() => {})",
    "structuredClone(Symbol('x'))",
    "structuredClone({ p: Promise.resolve() })",
    "structuredClone(new WeakMap())",
    "structuredClone([new WeakRef({})])",
    "structuredClone()",
    "try { structuredClone(Symbol('x')) } catch (e) { return [e.message, e.name, e.code, e instanceof DOMException] }",
    "try { structuredClone(new WeakSet()) } catch (e) { return e.message }",
    "try { structuredClone(() => 1) } catch (e) { return e.message }",
    "const b = new ArrayBuffer(1, { maxByteLength: 8 }); const c = structuredClone(b); c.resize(4); return [c.byteLength, c.maxByteLength, b.byteLength]",
    "return structuredClone(new Float64Array([1.5, -0]))",
    "return structuredClone([,1,,]).length",
  ]);
});

test("events", async () => {
  await same([
    "const t = new EventTarget(); const log = []; t.addEventListener('x', (e) => log.push(1, e.type, e.target === t, e.currentTarget === t, e.eventPhase)); t.addEventListener('x', { handleEvent(e) { log.push(2, this === e.target) } }); log.push(t.dispatchEvent(new Event('x'))); return log",
    "const t = new EventTarget(); let n = 0; const f = () => n++; t.addEventListener('x', f); t.addEventListener('x', f); t.addEventListener('x', f, true); t.dispatchEvent(new Event('x')); t.removeEventListener('x', f); t.dispatchEvent(new Event('x')); return n",
    "const t = new EventTarget(); let n = 0; t.addEventListener('x', () => n++, { once: true }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); return n",
    "const t = new EventTarget(); t.addEventListener('x', (e) => e.preventDefault()); return [t.dispatchEvent(new Event('x', { cancelable: true })), t.dispatchEvent(new Event('x'))]",
    "const t = new EventTarget(); t.addEventListener('x', (e) => e.preventDefault(), { passive: true }); const e = new Event('x', { cancelable: true }); return [t.dispatchEvent(e), e.defaultPrevented]",
    "const t = new EventTarget(); const log = []; t.addEventListener('x', (e) => { log.push(1); e.stopImmediatePropagation(); }); t.addEventListener('x', () => log.push(2)); t.dispatchEvent(new Event('x')); return log",
    "const t = new EventTarget(); const log = []; const b = () => log.push('b'); t.addEventListener('x', () => { log.push('a'); t.removeEventListener('x', b); t.addEventListener('x', () => log.push('c')) }); t.addEventListener('x', b); t.dispatchEvent(new Event('x')); return log",
    "const c = new AbortController(); const t = new EventTarget(); let n = 0; t.addEventListener('x', () => n++, { signal: c.signal }); t.dispatchEvent(new Event('x')); c.abort(); t.dispatchEvent(new Event('x')); return n",
    "const e = new CustomEvent('c', { detail: { a: 1 } }); return [e.detail, e instanceof Event, new CustomEvent('x').detail, e.bubbles, e.composed, e.isTrusted, Event.AT_TARGET]",
    "class T extends EventTarget { constructor() { super(); this.y = 1 } } const t = new T(); let g; t.addEventListener('x', (e) => { g = e.target.y }); t.dispatchEvent(new Event('x')); return g",
    "return [Event, EventTarget, CustomEvent, AbortController, AbortSignal].map((c) => c.name)",
    "return [new Event('x'), new CustomEvent('x'), new EventTarget(), new AbortController(), AbortSignal.abort()].map((o) => Object.prototype.toString.call(o))",
    "new Event()",
    "new EventTarget().dispatchEvent({ type: 'x' })",
    "new EventTarget().addEventListener('x', 5)",
  ]);
});

/** Node 24 tells dependent signals later than the standard says. */
const DEPENDENT_SIGNALS = [
  "const a = new AbortController(), b = new AbortController(); const s = AbortSignal.any([a.signal, b.signal]); const t = AbortSignal.any([s]); const log = []; t.addEventListener('abort', () => log.push('t')); s.addEventListener('abort', () => log.push('s', t.aborted)); b.abort(3); a.abort(4); return [log, s.reason, t.reason]",
];

test("aborting", async () => {
  await same([
    "const c = new AbortController(); const s = c.signal; const log = [s.aborted, s.reason]; s.onabort = (e) => log.push('on', e.type, e.target === s); s.addEventListener('abort', () => log.push('listener')); c.abort(); c.abort(); return [...log, s.aborted, s.reason.name, s.reason.message, s.reason.code]",
    "const c = new AbortController(); c.abort('why'); try { c.signal.throwIfAborted() } catch (e) { return e }",
    "const s = AbortSignal.abort(); return [s.aborted, s.reason.name, s.reason instanceof DOMException]",
    "const s = AbortSignal.timeout(5); await new Promise((r) => s.addEventListener('abort', r)); return [s.reason.name, s.reason.message, s.reason.code]",
    ...(Number.parseInt(process.versions.node, 10) < 26 ? [] : DEPENDENT_SIGNALS),
    "return AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason",
    "return AbortSignal.any([]).aborted",
    "const c = new AbortController(); const { signal } = c; let n = 0; signal.onabort = () => n++; signal.onabort = null; c.abort(); return [n, signal.onabort]",
    "new AbortSignal()",
    "AbortSignal.timeout(-1)",
  ]);
});

test("atob, btoa, queueMicrotask, DOMException", async () => {
  await same([
    "return ['', 'a', 'YQ==', ' Y Q = = ', 'YWI', '!!!', 'a=', '4pyT'].map((t) => { try { return atob(t) } catch (e) { return [e.name, e.code] } })",
    "return ['', 'a', 'abc', '\\xff'].map((t) => btoa(t))",
    "btoa('✓')",
    "const log = []; queueMicrotask(() => log.push(2)); Promise.resolve().then(() => log.push(3)); log.push(1); await null; await null; return log",
    "queueMicrotask(5)",
    "const e = new DOMException('m', 'AbortError'); return [e.name, e.message, e.code, e instanceof Error, String(e), DOMException.ABORT_ERR]",
    "return [global === globalThis, typeof self, typeof process === 'object' || true]",
  ]);
});

test("crypto", async () => {
  await same([
    "const a = new Uint32Array(4); return [crypto.getRandomValues(a) === a, a.length]",
    "return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())",
    "crypto.getRandomValues(new Float32Array(1))",
    "crypto.getRandomValues([1])",
    "crypto.getRandomValues(new DataView(new ArrayBuffer(4)))",
    "crypto.getRandomValues(new Uint8Array(65537))",
    "try { crypto.getRandomValues(new Uint8Array(65537)) } catch (e) { return [e.name, e.code] }",
    "return crypto.getRandomValues(new BigInt64Array(2)).length + crypto.getRandomValues(new Uint8ClampedArray(0)).length",
    "return Object.prototype.toString.call(crypto)",
  ]);
  const random = (length: number): string => "00ff10ab".repeat(length).slice(0, 2 * length);
  const { outcome, guest } = await runMain(
    main(
      "const b = new Uint8Array(8); crypto.getRandomValues(b.subarray(2, 6)); return [[...b], typeof crypto.subtle]",
    ),
    [],
    { random },
  );
  assert.deepEqual(outcome.kind === "result" && outcome.value, [[0, 0, 0, 255, 16, 171, 0, 0], "undefined"]);
  guest[Symbol.dispose]();
});

test("Math.random is uniform, seeded per attempt, and asked for no earlier than it is used", async () => {
  const seeds = ["00000000000000000000000000000001", "0123456789abcdef0123456789abcdef"];
  const draws: number[][] = [];
  for (const seed of seeds) {
    using guest = await openGuest({ random: () => seed });
    guest.load(
      `const task = globalThis[Symbol.for("capsule.task")];${main("return Array.from({ length: 4000 }, Math.random)")}`,
    );
    assert.equal(guest.asked.random, 0);
    const outcome = guest.run("main");
    assert.equal(guest.asked.random, 1);
    assert.equal(outcome.kind, "result");
    draws.push((outcome as { value: number[] }).value);
  }
  assert.notDeepEqual(draws[0], draws[1]);
  for (const list of draws) {
    assert.ok(list.every((x) => x >= 0 && x < 1));
    const mean = list.reduce((a, b) => a + b) / list.length;
    assert.ok(Math.abs(mean - 0.5) < 0.03, `mean ${mean}`);
    assert.equal(new Set(list).size, list.length);
  }
});

test("performance counts from the attempt's start", async () => {
  using guest = await openGuest();
  guest.load(
    `const task = globalThis[Symbol.for("capsule.task")];${main(
      "const a = performance.now(); await new Promise((r) => setTimeout(r, 50)); const b = performance.now(); return { a, passed: b - a, origin: performance.timeOrigin, date: Date.now(), json: performance.toJSON() }",
      "",
      "async",
    )}`,
  );
  guest.time += 5000;
  const start = guest.time;
  const outcome = guest.run("main");
  assert.equal(outcome.kind, "result");
  const { a, passed, origin, date } = (outcome as { value: Record<string, number> }).value;
  assert.ok((a as number) >= 0 && (a as number) < 1, `${a}`);
  assert.ok((passed as number) >= 49 && (passed as number) < 52, `${passed}`);
  assert.ok(Math.abs((origin as number) - start) < 2, `${origin} ${start}`);
  assert.ok((date as number) >= start);
});

test("a program that uses nothing loads nothing and asks for nothing", async () => {
  using guest = await openGuest();
  const before = guest.asked.clock;
  guest.load(
    `const task = globalThis[Symbol.for("capsule.task")];${main("console.log('hi', 1, true); return 1")}`,
  );
  assert.equal(guest.asked.clock, before);
  assert.equal(guest.run("main").kind, "result");
  assert.deepEqual(guest.parts, []);
});

test("globals are as a program expects to find them", async () => {
  using guest = await openGuest();
  const listed = guest.evaluate("JSON.stringify(Object.keys(globalThis))");
  assert.equal(listed, "[]");
  assert.equal(
    guest.evaluate(
      "Object.keys(globalThis).concat(Object.getOwnPropertyNames(globalThis)).filter((n) => n.includes('door')).length",
    ),
    "0",
  );
  assert.equal(guest.evaluate("globalThis.URL = 5; URL"), "5");
  assert.equal(guest.evaluate("{ let TextEncoder = 1; } typeof TextEncoder"), "function");
  assert.equal(
    guest.evaluate("JSON.stringify(Object.getOwnPropertyDescriptor(globalThis, 'TextEncoder'))"),
    '{"writable":true,"enumerable":false,"configurable":true}',
  );
  assert.equal(guest.evaluate("function structuredClone() { return 'mine' } structuredClone()"), "mine");
  assert.equal(guest.evaluate("eval('1 + 1') + new Function('return 3')()"), "5");
});

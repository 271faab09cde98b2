import assert from "node:assert/strict";
import { test } from "node:test";
import { inBoth } from "./testing.ts";

/** What each module is asked, in a sandbox and in Node. `m` is the module. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  path: [
    "return [m.join('/a','..','b','./c'), m.resolve('/x','y'), m.dirname('/a/b/'), m.basename('/a/b.txt','.txt'), m.extname('.x.y'), m.sep, m.delimiter]",
    "return [m.relative('/a/b/c','/a/d'), m.normalize('a//b/../c/.'), m.isAbsolute('a'), m.parse('/home/u/f.txt'), m.format({dir:'/x', base:'y'}), m.posix === m]",
    "m.join(1)",
  ],
  "string-decoder": [
    "const d = new m.StringDecoder('utf8'); return [d.write(Buffer.from([0xe2, 0x82])), d.write(Buffer.from([0xac])), d.end(Buffer.from([0xc3]))]",
    "const d = new m.StringDecoder('base64'); return [d.write(Buffer.from('ab')), d.end(Buffer.from('c'))]",
  ],
  querystring: [
    "return [m.parse('a=1&b=2&a=3&c=%20x+y'), m.stringify({ a: [1, 2], b: 'ü&', c: true }), m.escape('a b'), m.unescape('%41')]",
  ],
  url: [
    "const u = m.parse('http://u:p@h.example:80/p/a?q=1#f', true); return [u.protocol, u.auth, u.host, u.pathname, u.query.q, u.hash, m.format(u)]",
    "return [m.resolve('/one/two/three', 'four'), m.fileURLToPath('file:///app/x%20y'), String(m.pathToFileURL('/a b#?')), m.domainToASCII('español.com')]",
    "return m.fileURLToPath('http://x/')",
    "return m.urlToHttpOptions(new URL('https://a:b@x.y:8/z?q#f')).auth",
    "return m.URL === URL",
  ],
  util: [
    "return [m.format('%s %d %i %j %o %%', 'a', 1.5, 2.7, { x: 1 }, [1]), m.inspect({ a: { b: { c: { d: 1 } } }, m: new Map([[1, { x: 2 }]]) }), m.inspect('x\\ny')]",
    "return await m.promisify((a, cb) => cb(null, a + 1))(1)",
    "return await m.promisify((cb) => cb(new RangeError('no')))()",
    "return await new Promise((r) => m.callbackify(async (x) => x * 2)(4, (e, v) => r([e, v])))",
    "function A() {} function B() {} B.prototype.hi = () => 'hi'; m.inherits(A, B); return [new A().hi(), A.super_ === B]",
    "return [m.isDeepStrictEqual({ a: [1, new Set([1])] }, { a: [1, new Set([1])] }), m.isDeepStrictEqual([1], ['1']), m.stripVTControlCharacters('\\u001b[31mx\\u001b[0m')]",
    "const t = m.types; return [t.isDate(new Date()), t.isDate({}), t.isRegExp(/x/), t.isPromise(Promise.resolve()), t.isMap(new Map()), t.isMap(new WeakMap()), t.isUint8Array(Buffer.alloc(1)), t.isAsyncFunction(async () => {}), t.isAsyncFunction(() => {}), t.isGeneratorFunction(function* () {}), t.isNativeError(new TypeError()), t.isTypedArray(new DataView(new ArrayBuffer(1))), t.isArrayBufferView(new DataView(new ArrayBuffer(1))), t.isBoxedPrimitive(Object(1)), t.isAnyArrayBuffer(new SharedArrayBuffer(1)), t.isArgumentsObject((function () { return arguments })())]",
    "return typeof m.promisify.custom + m.inspect.custom.toString()",
  ],
  events: [
    "const e = new m(); const seen = []; e.on('x', (v) => seen.push(v)).once('x', (v) => seen.push(-v)); e.emit('x', 1); e.emit('x', 2); return [seen, e.listenerCount('x'), e.eventNames(), m.EventEmitter === m, m.defaultMaxListeners]",
    "new m().emit('error', new RangeError('boom'))",
    "const e = new m(); setTimeout(() => e.emit('x', 1, 2), 1); return await m.once(e, 'x')",
    "const e = new m(); setTimeout(() => { e.emit('x', 1); e.emit('x', 2) }, 1); for await (const v of m.on(e, 'x')) if (v[0] === 2) return 'done'",
    "class Old { constructor() { m.call(this) } } Object.setPrototypeOf(Old.prototype, m.prototype); const o = new Old(); let n = 0; o.on('a', () => n++); o.emit('a'); return n",
  ],
  buffer: [
    "return [Buffer === m.Buffer, Buffer.from('héllo€😀').toString('hex'), Buffer.from('aGk', 'base64').toString(), Buffer.from('a-_', 'base64url').length, Buffer.from('zz', 'hex').length, Buffer.from('616', 'hex').length]",
    "return ['utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64', 'base64url', 'ucs2', 'binary'].map((e) => Buffer.from('h\\u00e9\\u20ac\\ud800x', e === 'hex' || e.startsWith('base64') ? 'utf8' : e).toString(e))",
    "return ['utf8', 'latin1', 'utf16le', 'hex', 'base64'].map((e) => Buffer.byteLength('h\\u00e9\\u20ac', e))",
    "const b = Buffer.alloc(6); return [b.write('h\\u20ac\\u20ac\\u20ac'), b.toString('hex'), b.write('ab', 4), b.write('zzzz', 1, 2), b.write('ff', 0, 'hex'), b.toString('hex')]",
    "return [Buffer.concat([Buffer.from('a'), Buffer.from('bc')]).toString(), Buffer.from([1, 2, 3]).equals(Buffer.from([1, 2, 3])), Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.from('hello').indexOf('l'), Buffer.from('abc').includes('d'), Buffer.from('abc').slice(1).toString(), JSON.stringify(Buffer.from('a'))]",
    "const b = Buffer.alloc(16); b.writeUInt32BE(0xdeadbeef, 0); b.writeDoubleLE(1.5, 4); b.writeBigInt64LE(-5n, 8); return [b.readUInt16BE(0), b.readInt32LE(0), String(b.readBigInt64LE(8)), b.readUIntBE(0, 3)]",
    "return [Buffer.isBuffer(Buffer.alloc(1)), Buffer.isEncoding('UTF-8'), Buffer.isEncoding('x'), Buffer.from('abc').subarray(1) instanceof Buffer, Buffer.alloc(3, 'ab').toString(), Buffer.from(new Uint16Array([1, 256]).buffer).length, String(Buffer.from('x')), Buffer.from('a\\u0000b').toString().length, Buffer.from('xyz').toString('utf8', 1, 2), Buffer.from([0xff, 0x41]).toString(), Buffer.from([0xe2, 0x82]).toString().length]",
    "return Buffer.from('x', 'nope')",
    "return Buffer.from('abc').toString('nope')",
    "return [m.isUtf8(Buffer.from([0xff])), m.isAscii(Buffer.from('a')), m.constants.MAX_LENGTH > 2 ** 30, m.transcode(Buffer.from('é'), 'utf8', 'latin1').toString('hex'), m.atob('aGk='), m.btoa('hi')]",
  ],
  stream: [
    "const { Readable, Transform, Writable } = m; const out = []; await m.promises.pipeline(Readable.from(['a', 'b', 'c']), new Transform({ transform(c, _, cb) { cb(null, String(c).toUpperCase()) } }), new Writable({ write(c, _, cb) { out.push(String(c)); cb() } })); return out",
    "const r = new m.Readable({ read() { this.push(Buffer.from('héllo')); this.push(null) } }); r.setEncoding('utf8'); let s = ''; for await (const c of r) s += c; return s",
    "return await m.promises.pipeline(m.Readable.from([1]), async function* (s) { for await (const x of s) throw new RangeError('bad') }, new m.PassThrough({ objectMode: true }))",
    "const w = new m.Writable({ highWaterMark: 3, write(c, _, cb) { setTimeout(cb, 1) } }); const full = w.write('abcd'); await new Promise((r) => w.once('drain', r)); return [full, w.writableLength]",
    "return [m.Stream === m, typeof m.finished, typeof m.Duplex.from, m.Readable.prototype instanceof m]",
    "return await m.Readable.from([1, 2, 3, 4]).filter((x) => x % 2).map((x) => x * 10).toArray()",
    "const out = []; await m.promises.pipeline(m.Readable.fromWeb(new Blob(['a', 'bc']).stream()), new m.Writable({ write(c, _, cb) { out.push([Buffer.isBuffer(c), String(c)]); cb() } })); return [out.every(([is]) => is), out.map(([, t]) => t).join('')]",
    "let left; const r = m.Readable.fromWeb(new ReadableStream({ pull(c) { c.enqueue('x') }, cancel(e) { left = e.message } })); for await (const c of r) { r.destroy(new RangeError('enough')); break } await new Promise((ok) => r.closed ? ok() : r.once('close', ok)); return left",
    "for await (const c of m.Readable.fromWeb(new ReadableStream({ start(c) { c.error(new RangeError('bad')) } })));",
    "return await m.Readable.fromWeb(new ReadableStream({ start(c) { c.enqueue({ a: 1 }); c.close() } }), { objectMode: true }).toArray()",
    "const out = []; for await (const c of m.Readable.toWeb(m.Readable.from([Buffer.from('a'), Buffer.from('b')], { objectMode: false }))) out.push([c.constructor.name, new TextDecoder().decode(c)]); return out",
    "const out = []; for await (const c of m.Readable.toWeb(m.Readable.from([{ a: 1 }, 2]))) out.push(c); return out",
    "const r = new m.Readable({ read() { this.destroy(new RangeError('bad')) } }); for await (const c of m.Readable.toWeb(r));",
    "const r = new m.Readable({ read() { this.push('x') } }); const g = m.Readable.toWeb(r).getReader(); await g.read(); await g.cancel(); return r.destroyed",
    "const out = []; const w = m.Writable.fromWeb(new WritableStream({ write(c) { out.push(String(c)) }, close() { out.push('end') } })); w.write('a'); w.end('b'); await m.promises.finished(w); return out",
    "const w = m.Writable.fromWeb(new WritableStream({ write() { throw new RangeError('full') } })); w.write('a'); await m.promises.finished(w)",
    "const out = []; const w = new m.Writable({ highWaterMark: 1, write(c, _, cb) { out.push(String(c)); setTimeout(cb, 1) }, final(cb) { out.push('end'); cb() } }); await new Response('abc').body.pipeTo(m.Writable.toWeb(w)); return [out, w.writableFinished]",
    "const w = new m.Writable({ write(c, _, cb) { cb(new RangeError('full')) } }); await new Blob(['abc']).stream().pipeTo(m.Writable.toWeb(w))",
    "const d = m.Duplex.fromWeb(new TransformStream({ transform(c, k) { k.enqueue(String(c).toUpperCase()) } })); d.end('abc'); let s = ''; for await (const c of d) s += c; return s",
    "const { readable, writable } = m.Duplex.toWeb(new m.PassThrough()); const w = writable.getWriter(); w.write('ab'); w.close(); let s = ''; for await (const c of readable) s += new TextDecoder().decode(c); return s",
    "m.Readable.fromWeb(1)",
    "m.Readable.toWeb(1)",
    "m.Writable.fromWeb({})",
    "m.Writable.toWeb(null)",
    "try { m.Duplex.fromWeb({}) } catch (e) { return e.code }",
  ],
  assert: [
    "m(true); m.equal(1, '1'); m.deepStrictEqual({ a: [1] }, { a: [1] }); m.throws(() => { throw new TypeError('x') }, TypeError); m.rejects; m.match('abc', /b/); return m.AssertionError.name",
    "try { m.strictEqual(1, 2) } catch (e) { return [e.code, e.actual, e.expected, e.operator, e.name] }",
    "try { m.strict.equal(1, '1') } catch (e) { return e.code }",
    "await m.rejects(async () => { throw new RangeError('x') }, /x/); return 1",
  ],
  timers: [
    "return await m.promises.setTimeout(1, 'v')",
    "const c = new AbortController(); setTimeout(() => c.abort(), 1); await m.promises.setTimeout(100000, 0, { signal: c.signal })",
    "let n = 0; for await (const v of m.promises.setInterval(1, 'x')) if (++n === 3) return v",
    "return [m.setTimeout === setTimeout, typeof await m.promises.setImmediate()]",
  ],
  punycode: [
    "return [m.toASCII('mañana.com'), m.decode('maana-pta'), m.toUnicode('xn--maana-pta.com'), m.ucs2.decode('a😀')]",
  ],
};

const MODULE = Symbol.for("capsule.module");
const NODE: Readonly<Record<string, string>> = { "string-decoder": "string_decoder" };

for (const [name, snippets] of Object.entries(ASKED))
  test(`node:${NODE[name] ?? name} as in Node`, async () => {
    (globalThis as { [key: symbol]: unknown })[MODULE] = (part: string) =>
      process.getBuiltinModule(`node:${NODE[part] ?? part}`);
    const { guest, node } = await inBoth(
      snippets.map(
        (each) => `const m = globalThis[Symbol.for("capsule.module")](${JSON.stringify(name)}); ${each}`,
      ),
    );
    for (const [i, snippet] of snippets.entries()) assert.equal(guest[i], node[i], snippet);
  });

test("node:os says nothing of the machine", async () => {
  const { guest } = await inBoth([
    'const m = globalThis[Symbol.for("capsule.module")]("os"); return [m.EOL, m.tmpdir(), m.homedir(), m.hostname(), m.cpus().length, m.platform(), m.userInfo().username]',
  ]);
  assert.deepEqual(JSON.parse(guest[0] ?? ""), ["\n", "/tmp", "/app", "localhost", 1, "wasi", "sandbox"]);
});

import assert from "node:assert/strict";
import test from "node:test";
import { format } from "node:util";
import { inBoth, main, runMain } from "./testing.ts";

/** Each snippet must come to the same in the guest as in Node. */
async function same(snippets: readonly string[]): Promise<void> {
  const { guest, node } = await inBoth(snippets);
  const differing = (answers: readonly string[]) =>
    snippets.flatMap((snippet, i) => (guest[i] === node[i] ? [] : [`${snippet} → ${answers[i]}`]));
  assert.deepEqual(differing(guest), differing(node));
}

test("Headers, as in Node", async () => {
  await same([
    "const h = new Headers({ 'X-B': ' 2 ', a: '1' }); h.append('A', '3'); return [[...h], h.get('a'), h.has('x-b'), h.get('nope')]",
    "const h = new Headers([['Set-Cookie', 'a=1'], ['set-cookie', 'b=2'], ['cookie', 'x'], ['cookie', 'y']]); return [[...h], h.getSetCookie(), h.get('set-cookie'), h.get('cookie')]",
    "const h = new Headers({ a: '1', b: '2' }); h.delete('A'); h.set('B', '3'); h.set('c', 4); return [...h.entries()]",
    "const h = new Headers({ b: '1', a: '2' }); const seen = []; h.forEach((v, k, o) => seen.push([v, k, o === h])); return seen",
    "const h = new Headers({ a: '1', b: '2' }); const seen = []; for (const [k] of h) { seen.push(k); h.delete('b'); } return seen",
    "return [...new Headers(new Headers({ q: 'w' })).keys(), ...new Headers({ q: 'w' }).values(), Object.prototype.toString.call(new Headers())]",
    "const h = new Headers({ toString: 'x', constructor: 'y', __proto__: null }); return [...h]",
    "return new Headers({ a: 'x\\r\\n y' })",
    "return new Headers({ a: 'x\\ny' }).get('a')",
    "return new Headers({ a: '\\n x\\t\\r\\n' }).get('a')",
    "new Headers({ 'a b': '1' })",
    "new Headers({ '': '1' })",
    "new Headers({ a: '€' })",
    "new Headers({ a: '\\0' })",
    "new Headers([['a']])",
    "new Headers([['a', 'b', 'c']])",
    "new Headers('a')",
    "new Headers(null)",
    "new Headers({ [Symbol('x')]: '1' })",
    "new Headers().get()",
    "new Headers().set('a')",
    "return new Headers({ a: 'ÿ' }).get('a')",
    "return Object.keys(Headers.prototype).sort()",
    "return new Headers(new Map([['m', '1']])).get('m')",
  ]);
});

test("Request, as in Node", async () => {
  const shown =
    "(r) => [r.method, r.url, [...r.headers], r.redirect, r.mode, r.credentials, r.cache, r.referrer, r.integrity, r.keepalive, r.duplex, r.destination, r.bodyUsed, r.signal.aborted]";
  await same([
    `return (${shown})(new Request('http://a/b?c#d'))`,
    `return (${shown})(new Request(new URL('HTTP://EXAMPLE.com/%7E/../x'), { method: 'post', body: 'x', headers: { A: 'b' }, redirect: 'manual' }))`,
    `return (${shown})(new Request(new Request('http://a/', { method: 'PUT', body: 'x', headers: { q: '1' } }), { method: 'DELETE' }))`,
    "return ['get', 'Patch', 'patch', 'head', 'x-y', 'options'].map((method) => new Request('http://a', { method }).method)",
    "const r = new Request('http://a', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) }); return [r.headers.get('content-type'), await r.text(), r.bodyUsed]",
    "const r = new Request('http://a', { method: 'POST', body: new Uint8Array([1, 2]) }); return [r.headers.get('content-type'), [...await r.bytes()]]",
    "const r = new Request('http://a', { method: 'POST', body: new Blob(['x'], { type: 'a/b' }) }); return [r.headers.get('content-type'), await r.text()]",
    "const r = new Request('http://a', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }); return [r.headers.get('content-type'), await r.json()]",
    "const a = new Request('http://a', { method: 'POST', body: 'x' }); const b = a.clone(); return [await a.text(), await b.text(), a.bodyUsed, b.method]",
    "const a = new Request('http://a', { method: 'POST', body: 'x' }); const b = new Request(a); return [a.bodyUsed, await b.text()]",
    "const a = new Request('http://a', { method: 'POST', body: 'x' }); await a.text(); new Request(a)",
    "const a = new Request('http://a', { method: 'POST', body: 'x' }); await a.text(); a.clone()",
    "const a = new Request('http://a', { method: 'POST', body: 'x' }); await a.text(); await a.text()",
    "const a = new Request('http://a'); return [await a.text(), await a.text(), a.bodyUsed, a.body]",
    "const c = new AbortController(); const r = new Request('http://a', { signal: c.signal }); c.abort('why'); return [r.signal.aborted, r.signal.reason, r.signal === c.signal]",
    "const s = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104, 105])); c.close(); } }); const r = new Request('http://a', { method: 'POST', body: s, duplex: 'half' }); return [r.headers.get('content-type'), await r.text()]",
    "new Request('http://a', { method: 'POST', body: new ReadableStream() })",
    "new Request('/relative')",
    "new Request('http://u:p@a/')",
    "new Request('http://a', { body: 'x' })",
    "new Request('http://a', { method: 'HEAD', body: 'x' })",
    "new Request('http://a', { method: 'CONNECT' })",
    "new Request('http://a', { method: 'a b' })",
    "new Request('http://a', { redirect: 'no' })",
    "new Request('http://a', { mode: 'navigate' })",
    "new Request('http://a', { signal: {} })",
    "new Request('http://a', 'x')",
    "new Request()",
    "return Object.keys(Request.prototype).sort().filter((key) => !['attribute', 'textStream'].includes(key))",
  ]);
});

test("Response, as in Node", async () => {
  const shown =
    "(r) => [r.type, r.url, r.status, r.ok, r.statusText, r.redirected, [...r.headers], r.bodyUsed]";
  await same([
    `return (${shown})(new Response())`,
    `return (${shown})(new Response('x', { status: 201, statusText: 'Made', headers: { a: 'b' } }))`,
    `return (${shown})(Response.error())`,
    `return (${shown})(Response.redirect('http://a/b', 307))`,
    `const r = Response.json({ a: 1 }, { status: 400, headers: { x: 'y' } }); return [(${shown})(r), await r.text()]`,
    "return [await new Response('é').text(), await new Response('\\ufeffx').text(), await new Response(new Uint8Array([0xef, 0xbb, 0xbf, 120, 255])).text()]",
    "return [await new Response('[1]').json(), [...new Uint8Array(await new Response('ab').arrayBuffer())], [...await new Response('é').bytes()]]",
    "const b = await new Response('x', { headers: { 'content-type': 'A/b' } }).blob(); return [b.size, b.type]",
    "const r = new Response('abc'); const b = r.body; return [b === r.body, b.locked, r.bodyUsed, await r.text(), b.locked, r.bodyUsed]",
    "const r = new Response('abc'); await r.text(); return [r.bodyUsed, r.body.locked]",
    "const r = new Response('abc'); const reader = r.body.getReader(); const { value } = await reader.read(); return [[...value], r.bodyUsed, (await reader.read()).done]",
    "const r = new Response('abc'); r.body.getReader(); await r.text()",
    "const r = new Response('abc'); await r.body.cancel(); return r.bodyUsed",
    "const a = new Response('abc'); const b = a.clone(); return [await a.text(), await b.text()]",
    "const a = new Response('abc'); a.body; const b = a.clone(); return [await a.text(), await b.text()]",
    "const a = new Response('abc'); await a.text(); a.clone()",
    "return new Response(new ReadableStream({ start(c) { c.enqueue('text'); c.close(); } })).text()",
    "return new Response(new ReadableStream({ start(c) { c.error(new RangeError('x')); } })).text()",
    "const chunks = []; for await (const chunk of new Response('abc').body) chunks.push([...chunk]); return chunks",
    "const r = new Response('abc').body.getReader({ mode: 'byob' }); const { value } = await r.read(new Uint8Array(2)); return [...value]",
    "return new Response(123).text()",
    "return new Response({}).text()",
    "return new Response(null).body",
    "return (async function* () { yield new Uint8Array([104]); yield new Uint8Array([105]); })().constructor === undefined",
    "return new Response((async function* () { yield new Uint8Array([104]); yield new Uint8Array([105]); })()).text()",
    "new Response('', { status: 199 })",
    "new Response('', { status: 600 })",
    "new Response('', { status: 204 })",
    "return new Response(null, { status: 204 }).status",
    "new Response('', { statusText: 'a\\nb' })",
    "Response.json(undefined)",
    "Response.json()",
    "Response.redirect('/x')",
    "Response.redirect('http://a', 200)",
    "Response.redirect('http://a').headers.set('a', 'b')",
    "await new Response('{').json()",
    "return new Response('').formData()",
    "const f = await new Response('a=1&b=x+y&a=%C3%A9', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData(); return [...f]",
    "return Object.keys(Response.prototype).sort().filter((key) => !['attribute', 'textStream'].includes(key))",
    "Response.prototype.status",
    "const r = await fetch('data:text/html;charset=utf-8,a%20b'); return [r.status, r.headers.get('content-type'), await r.text(), r.url, r.type]",
    "return (await fetch('data:;base64,aGk=')).text()",
    "await fetch('data:nothing')",
    "await fetch('ftp://a/b')",
    "await fetch('nothing')",
    "await fetch()",
    "await fetch('http://a', { signal: AbortSignal.abort() })",
    "try { await fetch('http://a', { signal: AbortSignal.abort('x') }) } catch (e) { return e }",
  ]);
});

test("FormData, Blob and File, as in Node", async () => {
  const sent =
    "async (f) => { const r = new Response(f); const b = /boundary=(.*)/.exec(r.headers.get('content-type'))[1]; return (await r.text()).replaceAll(b, '#'); }";
  await same([
    "const f = new FormData(); f.append('a', 1); f.append('a', 'x'); f.set('b', 'y'); f.append('c', 'z'); f.delete('c'); return [[...f], f.get('a'), f.getAll('a'), f.has('b'), f.get('q'), [...f.keys()], [...f.values()]]",
    "const f = new FormData(); f.append('a', '1'); f.append('b', '2'); f.append('a', '3'); f.set('a', '4'); return [...f]",
    "const f = new FormData(); f.append('f', new Blob(['x'], { type: 'text/plain' })); const g = f.get('f'); return [g instanceof File, g.name, g.type, await g.text()]",
    "const f = new FormData(); f.append('f', new File(['x'], 'n.txt', { lastModified: 5 }), 'other'); const g = f.get('f'); return [g.name, g.lastModified]",
    `const f = new FormData(); f.append('a"\\n', 'é\\nx'); f.append('f', new File(['abc'], 'ü "x".txt', { type: 'text/x' })); f.append('g', new Blob(['q'])); return (${sent})(f)`,
    `return (${sent})(new FormData())`,
    "const f = new FormData(); f.append('a\\r\\n\"', 'é'); f.append('f', new File([new Uint8Array([0, 255, 13, 10, 45, 45])], 'x.bin', { type: 'a/b' })); const g = await new Response(f).formData(); const h = g.get('f'); return [[...g.keys()], g.get('a\\r\\n\"'), h.name, h.type, [...await h.bytes()]]",
    "await new Response('x', { headers: { 'content-type': 'multipart/form-data; boundary=b' } }).formData()",
    "const f = await new Response('--b\\r\\nContent-Disposition: form-data; name=\"q\"\\r\\n\\r\\nw\\r\\n--b--\\r\\n', { headers: { 'content-type': 'multipart/form-data; boundary=b' } }).formData(); return [...f]",
    "new FormData('x')",
    "new FormData().append('a')",
    "new FormData().append('a', 'b', 'c')",
    "const b = new Blob(['ab', new Uint8Array([99]), new Blob(['d']), new Uint8Array([101]).buffer], { type: 'A/B' }); return [b.size, b.type, await b.text(), [...new Uint8Array(await b.arrayBuffer())], await b.slice(1, -1).text(), await b.slice(-2).text(), b.slice(1, 2, 'x').type, b.slice().type]",
    "return [new Blob().size, new Blob(['a\\r\\nb\\rc'], { endings: 'native' }).size, new Blob(['é\\ud800']).size, new Blob([1, null]).size, new Blob(['x'], { type: 'é' }).type]",
    "let text = ''; for await (const chunk of new Blob(['abc']).stream()) text += new TextDecoder().decode(chunk); return text",
    "const f = new File(['a'], 'n', { type: 'x/y', lastModified: 7 }); return [f.name, f.lastModified, f.type, f.size, f instanceof Blob, Object.prototype.toString.call(f)]",
    "new Blob('x')",
    "new Blob([], { endings: 'x' })",
    "new File(['x'])",
    "return [Blob.name, File.name, FormData.name, Object.keys(Blob.prototype).sort().filter((key) => !['attribute', 'textStream'].includes(key)), Object.keys(FormData.prototype).sort()]",
  ]);
});

test("web streams, as in Node", async () => {
  await same([
    "const s = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); c.close(); } }); const seen = []; for await (const x of s) seen.push(x); return seen",
    "return Array.fromAsync(ReadableStream.from([1, 2, 3]))",
    "const t = new TransformStream({ transform(x, c) { c.enqueue(x * 2); } }); return Array.fromAsync(ReadableStream.from([1, 2]).pipeThrough(t))",
    "const seen = []; await ReadableStream.from(['a', 'b']).pipeTo(new WritableStream({ write(x) { seen.push(x); }, close() { seen.push('end'); } })); return seen",
    "const [a, b] = ReadableStream.from([1, 2]).tee(); return [await Array.fromAsync(a), await Array.fromAsync(b)]",
    "const bytes = ReadableStream.from([[0xe2], [0x82, 0xac], [0xff]].map((x) => new Uint8Array(x))); return (await Array.fromAsync(bytes.pipeThrough(new TextDecoderStream()))).join('|')",
    "const s = ReadableStream.from(['a', '\\ud83d', '\\ude00', '\\ud800']); return (await Array.fromAsync(s.pipeThrough(new TextEncoderStream()))).map((x) => [...x])",
    "const c = new AbortController(); const p = new ReadableStream().pipeTo(new WritableStream(), { signal: c.signal }); c.abort(); await p",
    "return [new CountQueuingStrategy({ highWaterMark: 2 }).size(), new ByteLengthQueuingStrategy({ highWaterMark: 2 }).size(new Uint8Array(3))]",
    "const d = new TextDecoderStream('latin1', { fatal: true }); return [d.encoding, d.fatal, d.ignoreBOM, new TextEncoderStream().encoding]",
    "new ReadableStream({ type: 'x' })",
    "new TextDecoderStream('nope')",
    "const s = ReadableStream.from([1]); s.getReader(); s.getReader()",
  ]);
});

test("they are printed as Node prints them", async () => {
  const { guest, outcome } = await runMain(
    main(`
      const form = new FormData(); form.append("a", "1"); form.append("a", "2");
      console.log({ deep: { er: new Headers({ b: "1", a: "2" }) } });
      console.log(form, new Blob(["x"], { type: "a/b" }), new File([], "n", { lastModified: 1 }));
      console.log(new Response("x").body, new ReadableStream(), new WritableStream());
      console.log(new Response(null, { headers: { a: "b" } }));`),
  );
  using _ = guest;
  assert.equal(outcome.kind, "result", JSON.stringify(outcome));
  const form = new FormData();
  form.append("a", "1");
  form.append("a", "2");
  const lines = [
    format({ deep: { er: new Headers({ b: "1", a: "2" }) } }),
    format(form, new Blob(["x"], { type: "a/b" }), "File { size: 0, type: '', name: 'n', lastModified: 1 }"),
    format(new Response("x").body, new ReadableStream(), new WritableStream()),
    // Looking at its body would make a stream of it.
    format(new Response(null, { headers: { a: "b" } })).replace("  body: null,\n", ""),
  ];
  assert.equal(guest.out.stdout, `${lines.join("\n")}\n`);
});

test("only what is used is loaded", async () => {
  const loaded = async (body: string): Promise<readonly string[]> => {
    const { guest, outcome } = await runMain(main(body, "", "async"));
    using _ = guest;
    assert.equal(outcome.kind, "result", JSON.stringify(outcome));
    return guest.parts;
  };
  assert.deepEqual(await loaded("return new Headers({ a: 'b' }).get('a')"), ["headers"]);
  assert.deepEqual(await loaded("return (await new Response('x').json)?.name"), ["fetch", "headers"]);
  assert.deepEqual(await loaded("return new Blob(['x']).text()"), ["blob", "encoding"]);
});

test("WebSocket says that it is not there", async () => {
  const { guest, outcome } = await runMain(main("return new WebSocket('ws://a')"));
  using _ = guest;
  assert.equal(outcome.kind, "error");
  assert.match(
    outcome.kind === "error" ? outcome.report.message : "",
    /WebSocket is not available inside a sandbox/,
  );
});

/**
 * What the branch profile is measured on: small programs that together use the language broadly. Each counts
 * alike, whatever its length. The result only moves where fuel is charged, so exactness does not matter here.
 */
export const TRAINING: Readonly<Record<string, string>> = {
  recursion: `function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
    fib(22)`,

  loops: `let sum = 0
    for (let i = 0; i < 150000; i++) sum = (sum + i * 3) & 0xffffff
    let n = 27, steps = 0
    while (n !== 1 || steps < 20000) { n = n === 1 ? 27 : n % 2 ? 3 * n + 1 : n / 2; steps++ }
    sum + steps`,

  floats: `const bodies = []
    for (let i = 0; i < 5; i++) bodies.push({ x: i, y: i * 2 + 1, z: i * 3 - 2, vx: 0.1 * i, vy: 0, vz: 0.2, m: 1 + i })
    for (let s = 0; s < 800; s++) {
      for (let i = 0; i < 5; i++) {
        const p = bodies[i]
        for (let j = i + 1; j < 5; j++) {
          const q = bodies[j], dx = p.x - q.x, dy = p.y - q.y, dz = p.z - q.z
          const d = dx * dx + dy * dy + dz * dz + 0.01, g = 0.001 / (d * Math.sqrt(d))
          p.vx -= dx * q.m * g; p.vy -= dy * q.m * g; p.vz -= dz * q.m * g
          q.vx += dx * p.m * g; q.vy += dy * p.m * g; q.vz += dz * p.m * g
        }
      }
      for (const p of bodies) { p.x += 0.01 * p.vx; p.y += 0.01 * p.vy; p.z += 0.01 * p.vz }
    }
    bodies.map((b) => b.x.toFixed(6)).join()`,

  math: `let acc = 0
    for (let i = 1; i < 8000; i++) {
      acc += Math.floor(Math.sin(i) * 100) + Math.max(i % 7, i % 5) + Math.round(Math.pow(i, 0.5)) + Math.abs(-i)
      acc += Math.hypot(i, 1) + Math.log2(i) + Math.trunc(i / 3) + (i ** 2 % 11) + Math.imul(i, 17) + Math.atan2(i, 2)
    }
    [acc.toFixed(3), acc.toString(36), Number.parseFloat("3.25e4"), parseInt("ff", 16), Number.isInteger(acc)].join()`,

  matrix: `const n = 24, a = [], b = [], c = []
    for (let i = 0; i < n; i++) { a.push([]); b.push([]); c.push([]); for (let j = 0; j < n; j++) { a[i][j] = i + j; b[i][j] = i - j } }
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { let s = 0; for (let k = 0; k < n; k++) s += a[i][k] * b[k][j]; c[i][j] = s }
    c.flat().reduce((x, y) => x + y, 0)`,

  strings: `let text = "", total = 0
    for (let i = 0; i < 20000; i++) { text += i; if (text.length > 2000) { total += text.charCodeAt(i % 1000); text = "" } }
    const keys = []
    for (let i = 0; i < 6000; i++) keys.push("k" + i)
    total + keys.join(",").split(",").length + "Grüße, 世界".repeat(50).length`,

  stringMethods: `const words = "The quick brown fox jumps over the lazy dog, again and again".split(" ")
    let out = []
    for (let i = 0; i < 500; i++) {
      for (const w of words) out.push(w.toUpperCase().padStart(8, ".").slice(2), w.indexOf("o"), w.includes("a"), w.trim().at(-1))
      if (out.length > 300) out = [out.join("-").replaceAll("a", "b").substring(3, 40).startsWith("x")]
    }
    const title = words.map((w) => w[0].toUpperCase() + w.slice(1).toLowerCase()).join(" ")
    title + out.length + title.localeCompare("The") + [..."añb😀c"].length + "a".codePointAt(0)`,

  templates: `const row = (id, name, price) => \`<tr id="r\${id}"><td>\${name}</td><td>\${price.toFixed(2)}</td></tr>\`
    const tag = (parts, ...values) => parts.raw.join("|") + values.length
    let html = ""
    for (let i = 0; i < 1500; i++) { html += row(i, \`item \${i % 10}\`, i * 1.1); if (html.length > 5000) html = tag\`a\${i}b\${html.length}c\` }
    html.length`,

  regex: `let t = ""
    for (let i = 0; i < 700; i++) t += "foo" + i + "@bar" + (i % 7) + ".com, "
    let n = 0
    for (const m of t.matchAll(/([a-z]+\\d+)@([a-z]+)(\\d)\\.com/g)) n += m[1].length + +m[3]
    n += t.replace(/\\d+/g, () => "#").length + (/(a+)+$/.test("a".repeat(12) + "!") ? 1 : 0)
    const log = "2024-05-17T10:20:30Z ERROR [db] time=12ms user='ann'\\n".repeat(60)
    for (const line of log.split(/\\r?\\n/)) {
      const m = /^(?<date>\\d{4}-\\d\\d-\\d\\d)T\\S+\\s+(?<level>[A-Z]+)\\s+\\[(?<part>\\w+)\\].*?time=(?<ms>\\d+)ms/.exec(line)
      if (m?.groups) n += Number(m.groups.ms) + m.groups.level.length
    }
    n + log.match(/[aeiou]/gi).length + "aXbXc".split(/x/i).length + "Ünïcode".replace(/\\p{L}/gu, "_").length`,

  json: `const rows = []
    for (let i = 0; i < 500; i++) rows.push({ id: i, name: "n" + i, tags: ["a", "b", i], v: i / 3, ok: i % 2 === 0, none: null })
    let n = 0
    for (let k = 0; k < 4; k++) n += JSON.parse(JSON.stringify(rows)).length
    n + JSON.stringify({ text: "line\\n\\"quoted\\" \\u00e9", deep: { a: [1, [2, [3]]] } }, null, 2).length +
      JSON.parse('{"a":[1,2,{"b":-1.5e3}],"c":"\\\\u0041"}', (k, v) => (typeof v === "number" ? v + 1 : v)).a[0]`,

  sort: `let x = 12345
    const a = []
    for (let i = 0; i < 4000; i++) { x = (x * 1103515245 + 12345) & 0x7fffffff; a.push(x) }
    a.sort((p, q) => p - q)
    const b = a.map(String).sort()
    const people = a.slice(0, 800).map((v) => ({ age: v % 90, name: "p" + (v % 1000) }))
    people.sort((p, q) => p.age - q.age || p.name.localeCompare(q.name))
    a[5] + b[7] + people[3].name + [3, 1, 2].toSorted().join()`,

  objects: `let o = {}, n = 0
    for (let i = 0; i < 4000; i++) { const k = "x" + (i % 500); o[k] = (o[k] || 0) + i; if (k in o) n++ }
    for (const k in o) n += o[k] % 3
    for (const [k, v] of Object.entries(o)) { const p = { ...o, k, v, [k + "!"]: 1 }; delete p.k; n += Object.keys(p).length; if (n > 60000) break }
    const frozen = Object.freeze({ get area() { return 6 }, set area(v) {} })
    n + frozen.area + Object.fromEntries([["a", 1], ["b", 2]]).b + ("a" in o) + Object.assign({}, o, { z: 1 }).z`,

  mapsAndSets: `const m = new Map(), s = new Set()
    let n = 0
    for (let i = 0; i < 5000; i++) { m.set(i % 1000, { a: i, b: [i] }); n += m.get(i % 1000).b[0]; s.add("k" + (i % 300)); if (s.has("k" + i)) n++ }
    for (const [k, v] of m) n += k + v.a
    for (const v of s) n += v.length
    m.forEach((v, k) => { if (k % 2) m.delete(k) })
    const weak = new WeakMap(), key = {}
    weak.set(key, 1)
    n + m.size + s.size + weak.get(key) + new Set([1, 2]).union(new Set([3])).size`,

  arrays: `const a = Array.from({ length: 600 }, (_, i) => i)
    let n = 0
    for (let r = 0; r < 12; r++) {
      n += a.map((v) => v * 2).filter((v) => v % 3 === 0).reduce((s, v) => s + v, 0)
      n += a.slice(10, 200).concat(a.slice(5)).indexOf(77) + a.findIndex((v) => v > 500) + (a.some((v) => v < 0) ? 1 : 0)
      const copy = [...a]
      copy.reverse(); copy.splice(10, 5, 1, 2, 3); copy.unshift(9); copy.shift(); copy.push(1, 2); copy.pop()
      n += copy.flatMap((v) => [v, v]).length + copy.includes(3) + copy.every(Number.isInteger) + copy.lastIndexOf(2)
      const queue = []
      for (let i = 0; i < 300; i++) { queue.push(i); if (i % 3 === 0) n += queue.shift() }
    }
    n + Object.keys(Object.groupBy(a, (v) => v % 4)).length`,

  typedArrays: `const f = new Float64Array(1000), u = new Uint8Array(4096), v = new DataView(new ArrayBuffer(64))
    let n = 0
    for (let r = 0; r < 10; r++) {
      for (let i = 0; i < f.length; i++) f[i] = i * 0.5 + (f[i - 1] || 0)
      for (let i = 0; i < u.length; i++) { u[i] = (u[i] + i * 31) & 255; n = (n * 33 + u[i]) >>> 0 }
      v.setUint32(8, n, true); n ^= v.getInt16(8) + v.getUint8(3)
      n += u.subarray(10, 50).indexOf(7) + Array.from(u.slice(0, 20)).length
      u.set(u.subarray(0, 100), 300); f.fill(1, 0, 10); u.copyWithin(0, 100, 200)
    }
    n + new Uint32Array(f.buffer)[3] + f.map((x) => x + 1).reduce((a, b) => a + b)`,

  bytes: `let h = 0x811c9dc5
    const data = new Uint8Array(3000).map((_, i) => i * 7)
    for (let r = 0; r < 5; r++) for (const b of data) { h ^= b; h = Math.imul(h, 0x01000193) >>> 0 }
    const table = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let out = ""
    for (let i = 0; i + 2 < data.length; i += 3) {
      const w = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2]
      out += table[(w >> 18) & 63] + table[(w >> 12) & 63] + table[(w >> 6) & 63] + table[w & 63]
    }
    h.toString(16) + out.length`,

  bigints: `let a = 1n
    for (let i = 1n; i < 160n; i++) a *= i
    let p = 1n
    for (let i = 0; i < 300; i++) p = (p * 7919n + 13n) % 1000000007n
    let f = [0n, 1n]
    for (let i = 0; i < 400; i++) f = [f[1], f[0] + f[1]]
    a.toString().length + Number(p) + f[1].toString(16).length + Number(BigInt.asUintN(64, -5n) >> 3n & 255n) + Number(-7n / 2n)`,

  classes: `class Shape { #id; static count = 0; constructor(id) { this.#id = id; Shape.count++ } get id() { return this.#id } area() { return 0 } toString() { return \`\${this.constructor.name}#\${this.#id}\` } }
    class Square extends Shape { constructor(id, side) { super(id); this.side = side } area() { return this.side ** 2 } }
    class Circle extends Shape { static unit = new Circle(0, 1); constructor(id, r) { super(id); this.r = r } area() { return Math.PI * this.r * this.r + super.area() } set radius(r) { this.r = r } }
    let total = 0
    const shapes = []
    for (let i = 0; i < 2000; i++) { const s = i % 2 ? new Square(i, i % 9) : new Circle(i, i % 5); shapes.push(s); total += s.area() + s.id }
    for (const s of shapes) { if (s instanceof Circle) s.radius = 2; total += s.area() }
    total.toFixed(2) + Shape.count + shapes[3] + Object.getPrototypeOf(shapes[1]).constructor.name`,

  generators: `function* range(from, to) { for (let i = from; i < to; i++) { const r = yield i; if (r) i += r } }
    function* chain(...its) { for (const it of its) yield* it }
    let n = 0
    for (let r = 0; r < 20; r++) for (const v of chain(range(0, 60), range(10, 40), [1, 2, 3])) n += v
    const g = range(0, 1000)
    g.next()
    for (let i = 0; i < 200; i++) n += g.next(i % 3).value ?? 0
    const it = { from: 1, *[Symbol.iterator]() { while (this.from < 100) yield this.from++ } }
    n + [...it].length + Iterator.from(range(0, 50)).map((x) => x * 2).filter((x) => x % 3).take(9).toArray().length`,

  asyncJobs: `const sleep = (n) => new Promise((resolve) => { let p = Promise.resolve(); for (let i = 0; i < n; i++) p = p.then(() => i); p.then(resolve) })
    async function work(i) { try { await sleep(i % 4); if (i % 5 === 0) throw new Error("no " + i); return i * 2 } catch (e) { return e.message.length } finally { await null } }
    async function* ticks(n) { for (let i = 0; i < n; i++) { await null; yield i } }
    globalThis.result = 0
    ;(async () => {
      for (let r = 0; r < 8; r++) for (const v of await Promise.all(Array.from({ length: 30 }, (_, i) => work(i)))) result += v
      for await (const t of ticks(100)) result += t
      const settled = await Promise.allSettled([work(1), Promise.reject(new TypeError("x"))])
      result += settled.length + (await Promise.race([sleep(3), work(2)]) ?? 0)
    })()`,

  closures: `const compose = (...fs) => (x) => fs.reduceRight((v, f) => f(v), x)
    const curry = (f) => (a) => (b) => f(a, b)
    const memo = (f, cache = new Map()) => (k) => { if (!cache.has(k)) cache.set(k, f(k)); return cache.get(k) }
    const counter = () => { let n = 0; return { inc: () => ++n, get: () => n } }
    const slow = memo((k) => { let s = 0; for (let i = 0; i < k; i++) s += i; return s })
    const c = counter()
    let n = 0
    for (let i = 0; i < 1500; i++) { c.inc(); n += compose((x) => x + 1, (x) => x * 2)(i) + curry((a, b) => a - b)(i)(1) + slow(i % 50) + (function () { return arguments.length })(1, 2, 3) }
    n + c.get() + Math.max.apply(null, [1, 2]) + ((a, b = 2, ...rest) => a + b + rest.length).bind(null, 1)(undefined, 3, 4)`,

  destructuring: `let n = 0
    for (let i = 0; i < 2500; i++) {
      const { a, b: { c = 5, ...rest }, d = i } = { a: i, b: { e: 1, f: 2 }, ...(i % 2 ? { d: 7 } : null) }
      const [x, , y = 3, ...zs] = [i, 2, undefined, 4, 5]
      let p = a, q = x;
      [p, q] = [q, p]
      n += a + c + d + rest.e + x + y + zs.length + p - q
      n += (({ length }) => length)("abc") + (rest?.missing?.deeper ?? 1) + (rest.f ||= 3)
    }
    n`,

  exceptions: `class Failure extends Error { constructor(code, options) { super("code " + code, options); this.code = code; this.name = "Failure" } }
    const risky = (i) => { if (i % 3 === 0) throw new Failure(i, { cause: new RangeError("r") }); if (i % 7 === 0) null.x; return i }
    let n = 0
    for (let i = 0; i < 1200; i++) {
      try { n += risky(i) } catch (e) { n += e instanceof Failure ? e.code + e.cause.message.length : e.message.length } finally { n++ }
    }
    const deep = (k) => { try { return k ? deep(k - 1) : risky(3) } finally { n++ } }
    try { deep(60) } catch (e) { n += e.stack.length > 10 ? 1 : 0 }
    n`,

  dates: `let n = 0
    for (let i = 0; i < 500; i++) {
      const d = new Date(Date.UTC(2020, i % 12, (i % 28) + 1, i % 24, i % 60))
      d.setUTCDate(d.getUTCDate() + 3)
      n += d.getTime() % 1000 + d.getUTCDay() + d.toISOString().length + Date.parse("2024-02-29T12:00:00Z") % 7 + d.getFullYear()
    }
    n + new Date(0).toUTCString() + (Date.now() > 0)`,

  evaluation: `let n = 0
    for (let i = 0; i < 60; i++) {
      n += eval("(" + i + " + 1) * 2") + new Function("a", "b", "const { x = 1 } = a; return x + b * " + i)({}, 2)
      n += (0, eval)("(() => { let s = 0; for (const v of [1, 2, 3]) { switch (v) { case 1: s += v; break; default: s -= 1 } } return s })()")
    }
    n`,

  parser: `const tokens = (s) => s.match(/\\d+(\\.\\d+)?|[-+*/()]/g)
    const evaluate = (s) => {
      const t = tokens(s); let i = 0
      const factor = () => { if (t[i] === "(") { i++; const v = sum(); i++; return v } if (t[i] === "-") { i++; return -factor() } return Number(t[i++]) }
      const product = () => { let v = factor(); while (t[i] === "*" || t[i] === "/") { v = t[i++] === "*" ? v * factor() : v / factor() } return v }
      const sum = () => { let v = product(); while (t[i] === "+" || t[i] === "-") { v = t[i++] === "+" ? v + product() : v - product() } return v }
      return sum()
    }
    let n = 0
    for (let i = 1; i < 250; i++) n += evaluate(\`(\${i} + 2) * 3 - -\${i} / (4 - 1.5) + ((1))\`)
    n.toFixed(3)`,

  csv: `let text = "id,name,amount\\n"
    for (let i = 0; i < 500; i++) text += i + ',"Name, ' + (i % 50) + '",' + (i * 1.25).toFixed(2) + "\\n"
    const parse = (line) => { const out = []; let field = "", quoted = false; for (const ch of line) { if (ch === '"') quoted = !quoted; else if (ch === "," && !quoted) { out.push(field); field = "" } else field += ch } out.push(field); return out }
    const [head, ...rows] = text.trim().split("\\n").map(parse)
    const sums = {}
    for (const r of rows) { const o = Object.fromEntries(head.map((h, i) => [h, r[i]])); sums[o.name] = (sums[o.name] ?? 0) + Number(o.amount) }
    Object.entries(sums).sort(([, a], [, b]) => b - a).slice(0, 3).join(";")`,

  graph: `const edges = new Map()
    for (let i = 0; i < 400; i++) edges.set(i, [(i * 7) % 400, (i + 1) % 400, (i * i) % 400])
    const distances = (from) => { const d = new Map([[from, 0]]), queue = [from]; while (queue.length) { const v = queue.shift(); for (const w of edges.get(v)) if (!d.has(w)) { d.set(w, d.get(v) + 1); queue.push(w) } } return d }
    let n = 0
    for (let i = 0; i < 8; i++) for (const v of distances(i).values()) n += v
    const sieve = new Array(5000).fill(true)
    for (let i = 2; i * i < 5000; i++) if (sieve[i]) for (let j = i * i; j < 5000; j += i) sieve[j] = false
    const memo = {}
    const ways = (s, k) => { const key = s + ":" + k; if (key in memo) return memo[key]; return (memo[key] = s === 0 ? 1 : s < 0 || k === 0 ? 0 : ways(s, k - 1) + ways(s - k, k)) }
    n + sieve.filter(Boolean).length + ways(80, 20)`,

  proxies: `const log = []
    const p = new Proxy({ a: 1 }, { get: (t, k, r) => { log.push(k); return Reflect.get(t, k, r) }, has: () => true, set(t, k, v) { t[k] = v; return true } })
    let n = 0
    for (let i = 0; i < 1000; i++) { n += p.a; p["b" + (i % 9)] = i; n += "zz" in p }
    const s = Symbol("s"), o = { [s]: 1, [Symbol.toPrimitive]: () => 42, valueOf: () => 1 }
    n + log.length + o[s] + +o + Object.getOwnPropertySymbols(o).length + Reflect.ownKeys(p).length + typeof s`,
};

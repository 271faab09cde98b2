/** Small programs for QuickJS that together exercise much of it. */
export const KERNELS: Readonly<Record<string, string>> = {
  recursion: "(function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) })(18)",
  loop: "(() => { let s = 0; for (let i = 0; i < 60000; i++) s = (s + i * 3) & 0xffffff; return s })()",
  strings: `(() => {
    let s = "", n = 0
    for (let i = 0; i < 9000; i++) { s += i; if (s.length > 2000) { n += s.charCodeAt(i % 1000); s = "" } }
    return n + Array.from({ length: 2000 }, (_, i) => "k" + i).join(",").split(",").length
  })()`,
  regex: `(() => {
    let t = "", n = 0
    for (let i = 0; i < 300; i++) t += "foo" + i + "@bar" + (i % 7) + ".com, "
    for (const m of t.matchAll(/([a-z]+\\d+)@([a-z]+)(\\d)\\.com/g)) n += m[1].length + +m[3]
    return n + t.replace(/\\d+/g, "#").length + /(a+)+$/.test("a".repeat(10) + "!")
  })()`,
  json: `(() => {
    const a = Array.from({ length: 300 }, (_, i) => ({ id: i, name: "n" + i, tags: ["a", i], v: i / 3 }))
    return JSON.stringify(JSON.parse(JSON.stringify(a))).length
  })()`,
  sort: `(() => {
    let x = 12345
    const a = Array.from({ length: 2000 }, () => (x = (x * 1103515245 + 12345) & 0x7fffffff))
    a.sort((p, q) => p - q)
    return a[5] + a.map(String).sort()[7]
  })()`,
  objects: `(() => {
    const m = new Map(), o = {}
    let n = 0
    for (let i = 0; i < 1500; i++) {
      const k = "x" + (i % 300)
      o[k] = (o[k] || 0) + i
      m.set(i % 100, { a: i, b: [i] })
      n += m.get(i % 100).b[0]
    }
    return n + Object.keys(o).length
  })()`,
  floats: `(() => {
    let x = 0.1, v = 0.3
    for (let i = 0; i < 8000; i++) { const d = Math.sqrt(x * x + 0.01); v -= (x / d) * 0.001; x += v * 0.01 }
    return [x.toFixed(12), Math.sin(x), Math.pow(x, 1.5), Math.atan2(v, x)].join()
  })()`,
  nan: `(() => {
    const f = new Float64Array([NaN, -NaN, 0 / 0, Infinity - Infinity, Math.sqrt(-1), Math.log(-1), 0 * Infinity])
    const g = new Float32Array([...f, Math.fround(NaN) + 1, -(0 / 0), Math.max(NaN, 1), parseFloat("x"), NaN % 2])
    return [...new Uint32Array(f.buffer), ...new Uint32Array(g.buffer)].map((n) => n.toString(16)).join()
  })()`,
  async: `(() => {
    globalThis.total = 0
    const work = async (i) => { await null; if (i % 5 === 0) throw new Error("no"); return i }
    ;(async () => { for (let i = 0; i < 200; i++) total += await work(i).catch((e) => e.message.length) })()
    return "started"
  })()`,
  afterAsync: "total",
  overflow: `(() => {
    let depth = 0
    const deep = () => { depth++; deep() }
    try { deep() } catch (e) { return e.name + " at " + depth }
  })()`,
  nestedOverflow: `(() => {
    let depth = 0
    const deep = (a) => { depth++; return [1].map(() => deep(a.concat(1).sort(() => 0))) }
    try { deep([2, 1]) } catch (e) { return e.name + " at " + depth }
  })()`,
  jsonOverflow: `(() => {
    try { JSON.parse("[".repeat(100000)) } catch (e) { return e.name }
  })()`,
  toStringOverflow: `(() => {
    const o = { toString() { return "" + o } }
    try { return "" + o } catch (e) { return e.name }
  })()`,
};

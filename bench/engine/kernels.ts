/**
 * What metering is measured with: each a script of 10 to 50 ms that ends in a checksum. They differ in what they keep
 * the engine busy with, and are not what its branch profile was trained on.
 */
export const KERNELS: Readonly<Record<string, string>> = {
  calls: "function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } fib(23)",

  loop: `{
    let sum = 0
    for (let i = 0; i < 100000; i++) sum = (sum * 31 + (i ^ (sum >>> 7))) | 0
    sum
  }`,

  strings: `{
    let text = "", hash = 0
    for (let i = 0; i < 20000; i++) {
      text += String.fromCharCode(97 + i % 26) + i
      if (text.length > 400) {
        const upper = text.toUpperCase().split("A").join("-").slice(3, 300).padEnd(320, "*")
        hash = (hash * 7 + upper.charCodeAt(i % upper.length)) % 1000003
        text = ""
      }
    }
    hash
  }`,

  regex: `{
    let log = "", found = 0
    for (let i = 0; i < 1500; i++) log += "2026-01-" + (10 + i % 20) + " user" + i + "@mail" + i % 9 + ".example GET /a/" + i + "?q=x\\n"
    for (const [, day, user] of log.matchAll(/^\\d{4}-\\d\\d-(\\d\\d) (\\w+)@[\\w.]+ (?:GET|POST) \\S+$/gm)) found += Number(day) + user.length
    found + log.replace(/[aeiou]+/g, "").length
  }`,

  json: `{
    const rows = Array.from({ length: 400 }, (_, id) => ({ id, name: "row " + id, tags: ["x", "y", String(id % 7)], nested: { on: id % 2 === 0, score: id / 4 } }))
    let total = 0
    for (let i = 0; i < 4; i++) total += JSON.parse(JSON.stringify(rows)).reduce((sum, row) => sum + row.nested.score + row.tags.length, 0)
    total
  }`,

  sort: `{
    let seed = 7
    const next = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff)
    const numbers = Array.from({ length: 9000 }, next)
    const words = numbers.slice(0, 3000).map((n) => n.toString(36))
    numbers.sort((a, b) => a - b)
    words.sort()
    numbers[17] + words[9].length + words.toReversed()[3].length
  }`,

  maps: `{
    const counts = new Map(), seen = new Set(), plain = {}
    let total = 0
    for (let i = 0; i < 12000; i++) {
      const key = "k" + (i * 7919) % 997
      counts.set(key, (counts.get(key) ?? 0) + i)
      plain[key] = (plain[key] ?? 0) + 1
      seen.add(i % 313)
    }
    for (const [key, count] of counts) total += count % 11 + plain[key]
    total + seen.size
  }`,

  nbody: `{
    const bodies = Array.from({ length: 5 }, (_, i) => ({ x: i * 1.5, y: 2 - i, z: i * i * 0.25, vx: 0.01 * i, vy: 0.02, vz: -0.01, m: 1 + i }))
    for (let step = 0; step < 1200; step++) {
      for (let i = 0; i < 5; i++) for (let j = i + 1; j < 5; j++) {
        const a = bodies[i], b = bodies[j], dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z
        const pull = 0.001 / ((dx * dx + dy * dy + dz * dz + 0.1) * Math.sqrt(dx * dx + dy * dy + dz * dz + 0.1))
        a.vx -= dx * b.m * pull; a.vy -= dy * b.m * pull; a.vz -= dz * b.m * pull
        b.vx += dx * a.m * pull; b.vy += dy * a.m * pull; b.vz += dz * a.m * pull
      }
      for (const body of bodies) { body.x += body.vx * 0.01; body.y += body.vy * 0.01; body.z += body.vz * 0.01 }
    }
    bodies[0].x.toFixed(9)
  }`,

  classes: `{
    class Shape { #scale; constructor(scale) { this.#scale = scale } get scale() { return this.#scale } area() { return 0 } }
    class Square extends Shape { constructor(side, scale) { super(scale); this.side = side } area() { return this.side ** 2 * this.scale } }
    class Circle extends Shape { constructor(r, scale) { super(scale); this.r = r } area() { return 3 * this.r * this.r + super.area() } }
    let total = 0
    const adders = Array.from({ length: 10 }, (_, n) => (x) => x + n)
    for (let i = 0; i < 8000; i++) total += adders[i % 10]((i % 2 ? new Square(i % 9, 2) : new Circle(i % 7, 3)).area())
    total
  }`,

  generators: `{
    function* range(n) { for (let i = 0; i < n; i++) yield i }
    globalThis.settled = 0
    let total = 0
    for (const i of range(20000)) total += i
    async function chain(n) { for (let i = 0; i < n; i++) settled += await i }
    for (let i = 0; i < 20; i++) chain(150)
    const [first, ...rest] = [...range(5000)].filter((n) => n % 3 === 0).map((n) => ({ n })).flatMap(({ n }) => [n, -n])
    total + first + rest.length
  }`,

  bytes: `{
    const bytes = new Uint8Array(25000), words = new Uint32Array(256), floats = new Float64Array(2000)
    for (let n = 0; n < 256; n++) { let c = n; for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; words[n] = c }
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 31 + (i >> 5)
    let crc = -1
    for (let i = 0; i < bytes.length; i++) crc = words[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
    for (let i = 0; i < floats.length; i++) floats[i] = bytes[i] / 3
    String(crc >>> 0) + floats.reduce((sum, x) => sum + x, 0).toFixed(3)
  }`,
};

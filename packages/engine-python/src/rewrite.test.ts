import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GATE } from "@capsule-run/wasm/host";
import cut from "../cut.json" with { type: "json" };
import profile from "../profile.json" with { type: "json" };
import { createImports } from "../scripts/wasi.ts";
import { artifactsName, PIN } from "./pin.ts";
import { userCacheFolder } from "./places.ts";
import { rewritePython } from "./rewrite.ts";
import { coreCut, cutPackages, cutRanges, moduleOfCut, standardModules } from "./rewrite-cut.ts";

test("everything pinned is about the same engine", () => {
  const { sha256 } = PIN.files["python.wasm"];
  assert.equal(cut.engine, sha256);
  assert.equal(profile.module, sha256);
});

test("core has the modules of the standard library, and none of the packages'", () => {
  const standard = new Set(standardModules());
  for (const name of [
    ...[
      "zlib",
      "_bz2",
      "_lzma",
      "_sqlite3",
      "pyexpat",
      "_elementtree",
      "_json",
      "_pickle",
      "_csv",
      "_struct",
    ],
    ...[
      "_datetime",
      "_zoneinfo",
      "unicodedata",
      "_sre",
      "_random",
      "_md5",
      "_sha1",
      "_sha2",
      "_sha3",
      "_blake2",
    ],
    ...[
      "_hmac",
      "_asyncio",
      "_socket",
      "select",
      "math",
      "cmath",
      "_statistics",
      "array",
      "binascii",
      "_heapq",
    ],
    ...["_codecs_cn", "_codecs_hk", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_multibytecodec", "itertools"],
  ]) {
    assert.ok(standard.has(name), name);
  }
  assert.deepEqual(cutPackages(), [
    ...[
      "PIL",
      "contourpy",
      "kiwisolver",
      "lxml",
      "matplotlib",
      "numpy",
      "pandas",
      "regex",
      "scipy",
      "sklearn",
    ],
    "statsmodels",
  ]);
  assert.ok(cut.modules.every(([, name]) => cutPackages().includes(String(name).split(".")[0] as string)));
});

test("what is cut is told by index, and another engine is refused", () => {
  const { first, last, kept } = cut as unknown as Record<"first" | "last", [number, string]> & {
    kept: [number, string][];
  };
  const choose = coreCut();
  assert.equal(choose(...first), true);
  assert.equal(choose(...last), true);
  assert.equal(choose(first[0] - 1, "times"), false);
  assert.equal(choose(last[0] + 1, "adler32_z"), false);
  for (const [index, name] of kept) assert.equal(choose(index, name), false, name);
  assert.throws(() => choose(first[0], "something"), /function 8433 of the engine is something/);
  assert.throws(
    () => choose(...([kept[0]?.[0], undefined] as [number, undefined])),
    /of the engine is undefined/,
  );
});

test("a cut function's module is known by its index", () => {
  assert.equal(moduleOfCut(cut.first[0] as number), "numpy._core._multiarray_umath");
  for (const [index, name] of cut.modules) assert.equal(moduleOfCut(index as number), name);
  assert.equal(moduleOfCut((cut.first[0] as number) - 1), undefined);
  assert.equal(moduleOfCut((cut.last[0] as number) + 1), undefined);
  const ranges = cutRanges();
  for (const [index, name] of ranges.slice(0, -1)) assert.equal(moduleOfCut(index), name);
  assert.deepEqual(ranges.at(-1), [(cut.last[0] as number) + 1, null]);
  assert.deepEqual(
    ranges,
    [...ranges].sort(([a], [b]) => a - b),
  );
});

/** The engine, if it has been fetched on this machine. */
const artifacts = join(userCacheFolder(), "engines", artifactsName(PIN));
const fetched = existsSync(join(artifacts, "python.wasm"));

test("the engine's core starts by itself and keeps the promises", { skip: !fetched && "not fetched" }, () => {
  const python = startCore();
  assert.equal(python.run(`import ${standardModules().join(", ")}\nprint("imported")`), "imported\n");
  assert.equal(python.exports.capsule_cut.value, -1);
  assert.equal(
    python.run(`
def nested(n):
    a = []
    for _ in range(n): a = [a]
    return a
for f in (lambda: repr(nested(100_000)), lambda: eval("-" * 100_000 + "1"), lambda: [].sort(key=f)):
    try: f()
    except (RecursionError, MemoryError) as e: print(type(e).__name__)
print(len(repr(nested(500))), eval("(" * 60 + "7" + ")" * 60))
x = nested(500_000)
del x
`),
    "RecursionError\nMemoryError\n1002 7\n",
  );
  assert.throws(
    () => python.run("import threading; a = threading.Lock(); a.acquire(); a.acquire()"),
    /unreachable/,
  );
  assert.equal(python.exports.capsule_deadlock.value, 1);
  const other = startCore();
  assert.throws(() => other.run("import numpy"), /unreachable/);
  assert.equal(moduleOfCut(other.exports.capsule_cut.value), "numpy._core._multiarray_umath");
});

let core: WebAssembly.Module | undefined;

function startCore() {
  core ??= new WebAssembly.Module(
    rewritePython(readFileSync(join(artifacts, "python.wasm")), "core").wasm as BufferSource,
  );
  let printed = "";
  const imports = createImports(core, {
    file: { path: "/usr/local/lib/python315.zip", bytes: readFileSync(join(artifacts, "python-stdlib.zip")) },
    memory: () => exports.memory,
    print: (text) => {
      printed += text;
    },
  });
  // biome-ignore lint/suspicious/noExplicitAny: the exports of the engine
  const exports: Record<string, any> = new WebAssembly.Instance(core, imports).exports;
  const refill = () => {
    exports.capsule_fuel.value += 1 << 29;
    return 0;
  };
  const gate = new WebAssembly.Instance(new WebAssembly.Module(GATE as BufferSource), {
    capsule: { yield: refill },
  });
  exports.capsule_gate.set(0, gate.exports.gate);
  const top: number = exports.capsule_global_0.value;
  exports._initialize();
  exports["wizer.initialize"]();
  // What Node's own stack has room for, when it is started without a flag.
  const stack = 600 * 1024;
  exports.PyUnstable_ThreadState_SetStackProtection(exports.PyThreadState_Get(), top - stack, stack);
  const run = (code: string): string => {
    const source = new TextEncoder().encode(code);
    const at = exports.host_alloc(source.length);
    new Uint8Array(exports.memory.buffer).set(source, at);
    printed = "";
    assert.equal(exports.turn(at, source.length), 0, printed);
    return printed;
  };
  return { exports, run };
}

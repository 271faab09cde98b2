/**
 * Finds out what of the engine is scientific packages' and may be cut, and writes cut.json beside this folder:
 * `node packages/engine-python/scripts/cut.ts path/to/python.wasm`. To be run when the engine changes.
 *
 * The engine's functions lie in the order in which it was linked: interpreter and standard library, the
 * packages' extension modules, the packages' libraries, then the libraries of the standard library. What is between
 * the two ends goes, except for what is called directly from outside: the static constructors, and what C++'s
 * standard library needs, most of all. Extension modules register their initialiser through a function `ctx_<n>`;
 * these, and the functions that lend the packages names of LAPACK routines, lead into what is cut.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type FunctionFacts, initialMemory, inspectFunctions } from "@capsule-run/wasm";

/** The first and the last function of what is cut, each with its neighbour that stays. */
const FIRST = { before: "times", cut: "Dragon4_PrintFloat_IEEE_binary16" };
const LAST = { cut: "xsltCheckRead", after: "adler32_z" };

/** The first functions of the packages' libraries, by how their names begin, and whose they are. */
const LIBRARIES: Readonly<Record<string, string>> = {
  "agg::curve3_inc::init(": "matplotlib",
  UBYTE_argmax: "numpy",
  saxpy_: "scipy",
  FT_Get_Advance: "matplotlib",
  qh_crossproduct: "scipy",
  sklearn_liblinear_set_seed: "sklearn",
  exsltRegisterAll: "lxml",
};

/** Functions that stay and lead into what is cut. */
const isDoor = (name: string): boolean =>
  /^ctx_\d+$|^PyInit_|^wasi_(numpy|scipy)_\w+$|^xerbla_array_$/.test(name);

const wasm = readFileSync(process.argv[2] ?? "python.wasm");
const functions = inspectFunctions(wasm);
const at = new Map(functions.map((f) => [f.index, f]));
const first = only(FIRST.cut);
const last = only(LAST.cut);
if (at.get(first - 1)?.name !== FIRST.before || at.get(last + 1)?.name !== LAST.after) {
  throw new Error("the engine is linked in another order");
}
const isInside = (index: number): boolean => index >= first && index <= last;
const kept = keptInside();
const cut = {
  engine: createHash("sha256").update(wasm).digest("hex"),
  first: [first, FIRST.cut],
  last: [last, LAST.cut],
  kept: kept.map((index) => [index, at.get(index)?.name]),
  standard: standardModules(),
  modules: [...modules(), ...libraries()].sort(([a], [b]) => a - b),
};
const target = fileURLToPath(new URL("../cut.json", import.meta.url));
writeFileSync(target, `${JSON.stringify(cut)}\n`);
console.log(`${target}: ${last - first + 1 - kept.length} functions cut, ${kept.length} kept among them`);

/** What is inside and called directly from outside, or by such a function. */
function keptInside(): number[] {
  const found = new Set<number>();
  const pending = functions.filter(({ index, name }) => !isInside(index) && !isDoor(name ?? ""));
  for (let f = pending.pop(); f !== undefined; f = pending.pop()) {
    for (const callee of f.calls) {
      if (!isInside(callee) || found.has(callee)) continue;
      found.add(callee);
      pending.push(at.get(callee) as FunctionFacts);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** Modules of the standard library with code of their own. */
function standardModules(): string[] {
  const outside = functions.filter(({ index, name }) => !isInside(index) && name?.startsWith("PyInit_"));
  return outside.map(({ name = "" }) => name.slice("PyInit_".length)).sort();
}

/** The extension modules inside, by the index of their initialiser, and before all the first function's. */
function modules(): [number, string][] {
  const memory = initialMemory(wasm);
  return functions.flatMap(({ name, calls, body }): [number, string][] => {
    if (!/^ctx_\d+$/.test(name ?? "")) return [];
    const initialiser = calls.find((callee) => at.get(callee)?.name?.startsWith("PyInit_"));
    if (initialiser === undefined) throw new Error(`${name} initialises nothing`);
    const last = at.get(initialiser)?.name?.split("_").at(-1) ?? "";
    const names = constants(body).map((address) => text(memory(address)));
    const full = names.find((text) => text.includes(".") && text.endsWith(last));
    const plain = names.find((text) => text.endsWith(last));
    return [[initialiser, full ?? plain ?? fail(`${name} names no module`)]];
  });
}

function libraries(): [number, string][] {
  return Object.entries(LIBRARIES).map(([start, name]) => {
    const found = functions.find((f) => isInside(f.index) && f.name?.startsWith(start));
    return [found?.index ?? fail(`no function is called ${start}`), name];
  });
}

/** The values behind every byte that may be an `i32.const`. */
function constants(body: Uint8Array): number[] {
  return [...body.keys()].filter((i) => body[i] === 0x41).map((i) => signed(body, i + 1));
}

function signed(bytes: Uint8Array, from: number): number {
  let value = 0;
  for (let i = from, shift = 0; shift < 35; i++, shift += 7) {
    const byte = bytes[i] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

function text(bytes: Uint8Array | undefined): string {
  const end = bytes?.indexOf(0) ?? -1;
  return end > 0 && end < 100 ? new TextDecoder().decode(bytes?.subarray(0, end)) : "";
}

function only(name: string): number {
  const found = functions.filter((f) => f.name === name);
  if (found.length !== 1) throw new Error(`${found.length} functions are called ${name}`);
  return found[0]?.index as number;
}

function fail(message: string): never {
  throw new Error(message);
}

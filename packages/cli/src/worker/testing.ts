/** A client of `capsule worker` whose runtime only plays scenes: the names of programs say which. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { aborted, type Envelope, UNDECLARED, UsageError } from "@capsule-run/protocol";
import type { RunRequest, Runtime, RuntimeOptions, ToolAnswer } from "@capsule-run/runtime";
import { openRemoteTools } from "@capsule-run/tools";
import { Conversation } from "./conversation.ts";
import { Outbox, type OutboxLimits } from "./outbox.ts";
import { readIncoming } from "./protocol.ts";

/** Of an envelope. */
export const execution = {
  task_name: "main",
  duration_ms: 3,
  retries: 0,
  fuel_consumed: 45_000,
  ram_used: 1_200_000,
  host_requests: [],
};
const success = (resultJson: string): Envelope => ({ success: true, resultJson, execution });
const CANCELLED: Envelope = {
  success: false,
  error: { error_type: "cancelled", message: "cancelled" },
  execution,
};

/** What programs do, by their names. */
const PROGRAMS: Readonly<Record<string, (request: RunRequest) => Promise<Envelope>>> = {
  echo: async ({ argsJson = "[]" }) => success(argsJson),
  waits: async ({ signal }) => {
    await aborted(signal as AbortSignal);
    return CANCELLED;
  },
  big: async () => success('{"n":123456789012345678901234567890}'),
  long: async ({ onEvent }) => {
    const envelope = success(JSON.stringify("é".repeat(40_000)));
    onEvent?.({ run: "r1", path: "0", task: "main", type: "task_ended", envelope });
    return envelope;
  },
  // Calls the tool `add` as often as it is told, one after the other or all at once, and gives the answers.
  tools: async ({ tools, argsJson = "[]", signal }) => {
    const call = (args: string, path: string): Promise<ToolAnswer> => {
      assert.ok(tools && signal);
      return tools.call({ run: "r1", task: "main", path, name: "add", args, kwargs: null }, signal);
    };
    const calls = (JSON.parse(argsJson) as unknown[]).map((args, at) =>
      call(JSON.stringify(args), `0.${at + 1}`),
    );
    return success(JSON.stringify(await Promise.all(calls)));
  },
  usage: async () => {
    throw new UsageError("no-main", "there is no main");
  },
  bug: async () => {
    throw new TypeError("ours");
  },
  prints: async ({ onOutput }) => {
    for (const bytes of [
      Buffer.from("é\n"),
      Buffer.from([0xc3]),
      Buffer.from([0xa9, 10]),
      Buffer.from("\ufeffx"),
    ])
      onOutput?.({ stream: "stdout", bytes, task: "main", path: "0" });
    return success("null");
  },
  floods: async ({ onOutput, onEvent }) => {
    for (let i = 0; i < 20; i++)
      onOutput?.({ stream: "stderr", bytes: Buffer.from("x".repeat(100)), task: "main", path: "0" });
    onEvent?.({ run: "r1", path: "0", task: "main", type: "task_queued" });
    return success('"done"');
  },
};

/** A conversation with a client that reads when it is told to. */
export class Client {
  readonly messages: Record<string, unknown>[] = [];
  readonly raw: string[] = [];
  options: RuntimeOptions | null = null;
  requests: RunRequest[] = [];
  readonly conversation: Conversation;
  #number = 0;
  unread = 0;
  reads = true;

  constructor(limits?: OutboxLimits) {
    const write = (line: string | Uint8Array): void => {
      const text = line.toString();
      assert.equal(text.indexOf("\n"), text.length - 1);
      this.raw.push(text);
      this.messages.push(JSON.parse(text));
      if (!this.reads) this.unread += text.length;
    };
    const client = this;
    const sink = {
      write,
      get unread() {
        return client.unread;
      },
      fallen: async () => {
        while (client.unread > (limits?.unreadBytes ?? 1e9)) await delay(1, null, { ref: false });
      },
    };
    this.conversation = new Conversation({
      outbox: new Outbox(sink, limits),
      version: "9.9.9",
      cwd: "/there",
      openTools: openRemoteTools,
      createRuntime: async (options) => {
        this.options = options;
        return this.#runtime();
      },
      createCodeRuntime: () => assert.fail("no code was run"),
    });
  }

  #runtime(): Runtime {
    return {
      openSession: async () => assert.fail("a worker opens no session of programs"),
      load: async (file) => {
        if (file.endsWith("slow")) await delay(60_000, null, { ref: false });
        return {
          file,
          cached: true,
          bytes: 5,
          manifest: {
            ...{ language: "python", variant: "core", needs: [], entry: "main", engine: "e", source: "s" },
            ...{ snapshot: "after", reasons: [], output: [] },
            tasks: [{ name: "main", async: false, parameters: null, policy: UNDECLARED }],
          },
        };
      },
      export: () => Promise.reject(new Error("not asked for")),
      run: async (request) => {
        this.requests.push(request);
        const program = PROGRAMS[request.file];
        assert.ok(program);
        return { run: "r1", envelope: await program(request) };
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }

  send(...messages: readonly (string | object)[]): boolean {
    return messages
      .map((message) => (typeof message === "string" ? message : JSON.stringify(message)))
      .map((text) =>
        this.conversation.take(readIncoming({ number: ++this.#number, bytes: Buffer.from(text) })),
      )
      .every(Boolean);
  }

  /** What came of an id, or of no id at all, without what is the same in all. */
  about(id: string | null): unknown[] {
    return this.messages
      .filter((message) => (message.id ?? null) === id && message.type !== "hello")
      .map((message) => message.envelope ?? message.slug ?? message.type);
  }
}

export const HELLO = { type: "hello", version: 1 };
export const run = (id: string, file: string, more: object = {}) => ({ type: "run", id, file, ...more });
export const settle = (): Promise<void> => delay(5);

/** The answer of a call of a tool. */
export const result = (id: string, call: string, value: unknown) => ({
  type: "tool_result",
  id,
  call,
  ok: true,
  result: value,
});

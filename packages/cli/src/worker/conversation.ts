import { resolve } from "node:path";
import type { CodeRuntime, CodeRuntimeOptions } from "@capsule-run/code";
import { unlessAborted } from "@capsule-run/protocol";
import type { Progress, Runtime, RuntimeOptions } from "@capsule-run/runtime";
import type { openRemoteTools } from "../runtime.ts";
import { Code, type OpenTools } from "./code.ts";
import { type CodeMessage, isCodeType } from "./code-fields.ts";
import { WORKER_LIMITS } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import {
  type ClientMessage,
  errorMessage,
  type HelloMessage,
  type Incoming,
  type LoadMessage,
  PROTOCOL_VERSION,
  ProtocolError,
  type RunMessage,
} from "./protocol.ts";
import { ToolCalls } from "./tool-calls.ts";
import type { ToolResultMessage } from "./tool-fields.ts";
import { eventLine, loadedMessage, outputLine, resultLine } from "./words.ts";

/** What a conversation asks of a runtime. */
export type WorkerRuntime = Pick<Runtime, "load" | "run" | "close">;

/** What a conversation needs of the world. */
export interface ConversationParts {
  readonly outbox: Outbox;
  /** Of Capsule. */
  readonly version: string;
  /** The folder that relative paths of the client begin at. */
  readonly cwd: string;
  createRuntime(options: RuntimeOptions): Promise<WorkerRuntime>;
  createCodeRuntime(options: CodeRuntimeOptions): CodeRuntime | Promise<CodeRuntime>;
  readonly openTools: typeof openRemoteTools;
}

/** A run, a load or a call of code that has no answer yet. */
interface Open {
  /** Of its message. */
  readonly bytes: number;
  readonly controller: AbortController;
  /** Of what was given tools; else null. */
  readonly calls: ToolCalls | null;
  readonly ended: Promise<void>;
}

const isCodeMessage = (message: ClientMessage): message is CodeMessage => isCodeType(message.type);
const cancelled = (id: string): ProtocolError => new ProtocolError("cancelled", id, "cancelled");

/** One client's conversation: the runs it has open, by its own ids. Lines come in, answers go to the outbox. */
export class Conversation {
  readonly #parts: ConversationParts;
  readonly #open = new Map<string, Open>();
  #openBytes = 0;
  /** From `hello` on. */
  #runtime: Promise<WorkerRuntime> | null = null;
  #code: Code | null = null;
  #cwd: string;
  #closing = false;
  /** Whether the client was told of something that takes long. */
  #busy = false;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#cwd = parts.cwd;
  }

  /** Takes what a line says. Gives false if the client wants no more; what is wrong with a line is its answer. */
  take({ number, bytes, message }: Incoming): boolean {
    if (this.#closing || message === null) return !this.#closing;
    try {
      if (message instanceof ProtocolError) throw message;
      this.#obey(message, bytes);
      return message.type !== "close";
    } catch (error) {
      const id = error instanceof ProtocolError ? error.id : null;
      // An answer that names an open run would end that one for the client.
      const about = id !== null && this.#open.has(id) ? null : id;
      const answer = errorMessage(error, { id: about, line: number });
      // Answers of calls are heard while the client reads too little: what is wrong with them must not pile up meanwhile.
      if (!(message instanceof ProtocolError) && message.type === "tool_result")
        this.#parts.outbox.mention(answer);
      else this.#parts.outbox.send(answer);
      return true;
    }
  }

  /** Cancels everything, and waits until all has its answer and the runtime is closed. */
  async close(): Promise<void> {
    this.#closing = true;
    const open = [...this.#open.values()];
    for (const { controller } of open) controller.abort();
    await Promise.all([
      this.#runtime?.then(
        (runtime) => runtime.close(),
        () => {},
      ),
      this.#code?.close(),
    ]);
    await Promise.all(open.map(({ ended }) => ended));
    this.#parts.outbox.send({ type: "closed" });
  }

  #obey(message: ClientMessage, bytes: number): void {
    if (message.type === "hello") this.#hello(message);
    else if (message.type === "run") {
      const { calls, openTools } = this.#tools(message);
      this.#begin(message, bytes, (signal) => this.#run(message, openTools, signal), calls);
    } else if (message.type === "tool_result") this.#answer(message);
    else if (message.type === "load") this.#begin(message, bytes, (signal) => this.#load(message, signal));
    else if (isCodeMessage(message)) {
      const { calls, openTools } = this.#tools(message);
      const perform = (signal: AbortSignal): Promise<void> =>
        (this.#code as Code).perform(message, signal, openTools);
      this.#begin(message, bytes, perform, calls);
    }
    // Nothing by that id is no mistake: it may have ended while the message was on its way.
    else if (message.type === "cancel") this.#open.get(message.id)?.controller.abort();
  }

  /** The calls of tools that a message gives. */
  #tools(message: RunMessage | CodeMessage): {
    readonly calls: ToolCalls | null;
    readonly openTools: OpenTools;
  } {
    const given = "tools" in message ? message.tools : undefined;
    if (!given) return { calls: null, openTools: async () => undefined };
    const { outbox, openTools } = this.#parts;
    const calls = new ToolCalls(message.id, outbox);
    return { calls, openTools: () => openTools(given, (call, stop) => calls.perform(call, stop)) };
  }

  #answer(message: ToolResultMessage): void {
    const open = this.#open.get(message.id);
    // Its run may have ended while it was on its way.
    if (!open) return;
    if (!open.calls) throw new ProtocolError(`${JSON.stringify(message.id)} was given no tools`);
    open.calls.answer(message);
  }

  #hello({ version, cwd, cache_dir, cells, concurrency, memory, record }: HelloMessage): void {
    if (this.#runtime) throw new ProtocolError('"hello" is said once');
    if (version !== PROTOCOL_VERSION)
      throw new ProtocolError(
        `version ${version} of the protocol is not spoken here; ${PROTOCOL_VERSION} is, by Capsule ${this.#parts.version}`,
      );
    const { outbox } = this.#parts;
    this.#cwd = resolve(this.#parts.cwd, cwd ?? ".");
    this.#runtime = this.#parts.createRuntime({
      ...{ cwd: this.#cwd, cells, concurrency, memory, record },
      cacheDir: cache_dir === undefined ? undefined : resolve(this.#cwd, cache_dir),
      onWarning: (message) => outbox.send({ type: "warning", message }),
      onProgress: (step) => this.#progress(step),
    });
    // Whoever asks for a run hears of it.
    this.#runtime.catch(() => {});
    this.#code = new Code({
      outbox,
      cwd: this.#cwd,
      createCodeRuntime: () =>
        this.#parts.createCodeRuntime({
          concurrency,
          onWarning: (message) => outbox.send({ type: "warning", message }),
          onProgress: (step) => this.#progress(step),
        }),
    });
    outbox.send({ type: "hello", version: PROTOCOL_VERSION, capsule: this.#parts.version });
  }

  /** Tells of steps, and once that they are over. */
  #progress(step: Progress | null): void {
    if (step === null && !this.#busy) return;
    this.#busy = step !== null;
    this.#parts.outbox.mention({ type: "progress", ...(step ?? { text: null, done: 0, total: 0 }) });
  }

  #begin(
    { id, type }: RunMessage | LoadMessage | CodeMessage,
    bytes: number,
    work: (signal: AbortSignal) => Promise<void>,
    calls: ToolCalls | null = null,
  ): void {
    if (!this.#runtime) throw new ProtocolError(`"hello" comes before "${type}"`, id);
    if (this.#open.has(id)) throw new ProtocolError(`id ${JSON.stringify(id)} is in use`);
    if (this.#open.size >= WORKER_LIMITS.open)
      throw new ProtocolError(
        `${WORKER_LIMITS.open} requests are open already: wait until some have ended`,
        id,
        "limit",
      );
    if (this.#openBytes + bytes > WORKER_LIMITS.openBytes)
      throw new ProtocolError(
        `the messages of what is open would have more than ${WORKER_LIMITS.openBytes} bytes: wait until some have ended`,
        id,
        "limit",
      );
    const controller = new AbortController();
    const ended = this.#perform(id, bytes, work(controller.signal));
    this.#open.set(id, { bytes, controller, calls, ended });
    this.#openBytes += bytes;
  }

  /** Waits for the end. An exception is the answer. */
  async #perform(id: string, bytes: number, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const known = this.#closing ? cancelled(id) : error;
      this.#parts.outbox.send(errorMessage(known, { id }));
    } finally {
      this.#open.delete(id);
      this.#openBytes -= bytes;
    }
  }

  async #run(message: RunMessage, openTools: OpenTools, signal: AbortSignal): Promise<void> {
    const { type: _, id, run_id: runId, output = true, events = false, tools: __, ...request } = message;
    const { outbox } = this.#parts;
    const tools = await openTools();
    const runtime = (await this.#runtime) as WorkerRuntime;
    const result = await runtime.run({
      ...request,
      ...{ runId, signal, tools },
      onOutput: output
        ? (printed) => outbox.output(id, printed.bytes.length, () => outputLine(id, printed))
        : undefined,
      onEvent: events ? (event) => outbox.event(id, () => eventLine(id, event)) : undefined,
    });
    if (outbox.result(id, resultLine(id, result))) return;
    throw new ProtocolError(
      `the result was dropped: ${WORKER_LIMITS.unreadResultBytes} bytes of answers are unread`,
      id,
      "limit",
    );
  }

  async #load({ id, file, cwd }: LoadMessage, signal: AbortSignal): Promise<void> {
    const runtime = (await this.#runtime) as WorkerRuntime;
    const loading = runtime.load(cwd === undefined ? file : resolve(this.#cwd, cwd, file));
    const program = await unlessAborted(loading, signal);
    if (!program) throw cancelled(id);
    this.#parts.outbox.send(loadedMessage(id, program));
  }
}

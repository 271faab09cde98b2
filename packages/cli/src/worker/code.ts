import { resolve } from "node:path";
import type { CodeRuntime, CodeSession, WorkspaceFile } from "@capsule-run/code";
import type { ToolHost } from "@capsule-run/runtime";
import { bytesOf, type CodeMessage, type CodeMessageOf, fileProblem } from "./code-fields.ts";
import { codeOutputLine, doneLine, executedLine, sessionLine } from "./code-words.ts";
import { WORKER_LIMITS } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import { ProtocolError } from "./protocol.ts";

/** What the code of one client needs of the world. */
export interface CodeParts {
  readonly outbox: Pick<Outbox, "output" | "result">;
  /** The folder that relative paths of the client begin at. */
  readonly cwd: string;
  /** Called once, when code is first run. */
  createCodeRuntime(): CodeRuntime | Promise<CodeRuntime>;
}

/** Makes a message's tools ready to be called; undefined: it gives none. */
export type OpenTools = () => Promise<ToolHost | undefined>;

interface Held {
  readonly opened: Promise<CodeSession>;
  /** Settles when what was asked of it last has been handed over to it. */
  turn: Promise<void>;
}

/** What a sandbox is opened with, of a message that says it. */
const sandboxOf = ({ language, limits, hosts, env, files }: CodeMessageOf<"execute" | "session_open">) => ({
  ...{ language, limits, hosts, env },
  files:
    files && Object.fromEntries(Object.entries(files).map(([name, content]) => [name, bytesOf(content)])),
});

/** Code that a client has run, and the sessions it has open, by its own names. */
export class Code {
  readonly #parts: CodeParts;
  readonly #sessions = new Map<string, Held>();
  #runtime: Promise<CodeRuntime> | null = null;

  constructor(parts: CodeParts) {
    this.#parts = parts;
  }

  /**
   * Does what a message asks for, and sends the answer. What keeps it from that is thrown.
   * @param tools opens those that the message gives to its code
   */
  async perform(message: CodeMessage, signal: AbortSignal, tools: OpenTools): Promise<void> {
    switch (message.type) {
      case "execute":
        return this.#execute(message, signal, tools);
      case "code_load":
        await (await this.#open()).load(message.language);
        return this.#answer(message.id, doneLine(message.id));
      case "session_open":
        return this.#openSession(message, signal);
      case "session_run":
        return this.#run(message, signal, tools);
      case "session_file":
        return this.#file(message);
      case "session_reset":
        await this.#ask(message, (session) => session.reset());
        return this.#answer(message.id, doneLine(message.id));
      case "session_close":
        return this.#closeSession(message);
    }
  }

  /** Cancels everything, and closes all sessions. */
  async close(): Promise<void> {
    this.#sessions.clear();
    await (await this.#runtime?.catch(() => null))?.close();
  }

  #open(): Promise<CodeRuntime> {
    const create = async (): Promise<CodeRuntime> => this.#parts.createCodeRuntime();
    this.#runtime ??= create();
    return this.#runtime;
  }

  #answer(id: string, line: string): void {
    if (this.#parts.outbox.result(id, line)) return;
    const text = `the answer was dropped: ${WORKER_LIMITS.unreadResultBytes} bytes of answers are unread`;
    throw new ProtocolError(text, id, "limit");
  }

  #printing({ id, output = true }: CodeMessageOf<"execute" | "session_run">) {
    if (!output) return {};
    return {
      onOutput: (printed: { readonly stream: "stdout" | "stderr"; readonly text: string }): void =>
        this.#parts.outbox.output(id, Buffer.byteLength(printed.text), () => codeOutputLine(id, printed)),
    };
  }

  async #execute(
    message: CodeMessageOf<"execute">,
    signal: AbortSignal,
    openTools: OpenTools,
  ): Promise<void> {
    const [runtime, tools] = await Promise.all([this.#open(), openTools()]);
    const { export_to: to } = message;
    const options = {
      ...{ ...sandboxOf(message), ...this.#printing(message), signal, tools },
      exportTo: to === undefined ? undefined : resolve(this.#parts.cwd, to),
    };
    this.#answer(message.id, executedLine(message.id, await runtime.execute(message.code, options)));
  }

  async #openSession(message: CodeMessageOf<"session_open">, signal: AbortSignal): Promise<void> {
    const { id, session: name } = message;
    if (this.#sessions.has(name))
      throw new ProtocolError(`a session ${JSON.stringify(name)} is open already`, id);
    if (this.#sessions.size >= WORKER_LIMITS.sessions)
      throw new ProtocolError(`${WORKER_LIMITS.sessions} sessions are open already: close some`, id, "limit");
    const opening = this.#open().then((runtime) => runtime.openSession(sandboxOf(message)));
    this.#sessions.set(name, { opened: opening, turn: Promise.resolve() });
    const forget = (): boolean => this.#sessions.get(name)?.opened === opening && this.#sessions.delete(name);
    opening.catch(forget);
    const session = await opening;
    if (signal.aborted && forget()) {
      await session.close();
      throw new ProtocolError("cancelled", id, "cancelled");
    }
    this.#answer(id, sessionLine(id, name, session.workspace));
  }

  /** The session that a message names; it may be opening yet. */
  #session({ id, session }: { readonly id: string; readonly session: string }): Held {
    const found = this.#sessions.get(session);
    if (!found) throw new ProtocolError(`there is no session ${JSON.stringify(session)}`, id, "no-session");
    return found;
  }

  /** Asks something of a session, in the order of the messages whatever each of them has to wait for before. */
  async #ask<R>(
    message: { readonly id: string; readonly session: string },
    ask: (session: CodeSession, tools: ToolHost | undefined) => Promise<R>,
    openTools: OpenTools = async () => undefined,
  ): Promise<R> {
    const held = this.#session(message);
    const handed = Promise.all([held.opened, openTools(), held.turn]).then(([session, tools]) => ({
      answer: ask(session, tools),
    }));
    held.turn = handed.then(
      () => {},
      () => {},
    );
    return (await handed).answer;
  }

  async #run(
    message: CodeMessageOf<"session_run">,
    signal: AbortSignal,
    openTools: OpenTools,
  ): Promise<void> {
    const options = { ...this.#printing(message), signal };
    const execution = await this.#ask(
      message,
      (session, tools) => session.run(message.code, { ...options, tools }),
      openTools,
    );
    this.#answer(message.id, executedLine(message.id, execution));
  }

  async #closeSession(message: CodeMessageOf<"session_close">): Promise<void> {
    const { opened } = this.#session(message);
    this.#sessions.delete(message.session);
    await (await opened).close();
    this.#answer(message.id, doneLine(message.id));
  }

  async #file(message: CodeMessageOf<"session_file">): Promise<void> {
    const { id, operation, name = "", data = "" } = message;
    const problem = fileProblem(message);
    if (problem !== null) throw new ProtocolError(problem, id);
    const path = resolve(this.#parts.cwd, message.path ?? "");
    const ask = <R>(work: (session: CodeSession) => Promise<R>): Promise<R> => this.#ask(message, work);
    const tell = (files?: readonly WorkspaceFile[]): void =>
      this.#answer(id, doneLine(id, files && { files }));
    switch (operation) {
      case "import":
        return tell(await ask((session) => session.importFile(path, message.name)));
      case "export":
        await ask((session) => session.exportFile(name, path));
        return tell();
      case "write":
        return tell([await ask((session) => session.writeFile(name, bytesOf(data)))]);
      case "read": {
        const bytes = Buffer.from(await ask((session) => session.readFile(name)));
        return this.#answer(id, doneLine(id, { base64: bytes.toString("base64") }));
      }
      case "delete":
        await ask((session) => session.deleteFile(name));
        return tell();
      case "list":
        return tell(await ask((session) => session.listFiles(message.name)));
    }
  }
}

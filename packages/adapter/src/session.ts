import { usageErrorOf } from "@capsule-run/sdk/internal";
import { call } from "./call.ts";
import { succeeded } from "./capsule-error.ts";
import type { CodeSession } from "./cli-code.ts";
import { checkCode, checkLanguage, checkOptions, closed } from "./options.ts";
import { bareSandbox, sharedRuntime } from "./shared.ts";
import { givenValue } from "./text.ts";
import type { CallOptions, CodeOutput, Execution, Language, SessionOptions, WorkspaceFile } from "./types.ts";

/**
 * A sandbox that lives on from call to call: variables, functions, classes and imports stay, as in a REPL. The folder
 * `workspace/` is its own. Calls are made one after the other, in the order they are asked for.
 *
 * ```ts
 * await using session = new Session("python");
 * await session.run("x = 1");
 * await session.run("x + 1"); // 2
 * ```
 *
 * An exception keeps what the code did before it. A limit that is reached rolls the memory back to before that call, and
 * the error says so; files and requests stay done.
 */
export class Session implements AsyncDisposable {
  readonly language: Language;
  readonly #options: SessionOptions;
  #opened: Promise<CodeSession> | null = null;
  #closed = false;
  #output = "";

  /**
   * The sandbox itself is opened by the first call.
   * @throws UsageError for wrong options
   */
  constructor(language: Language = "python", options: SessionOptions = {}) {
    checkLanguage(language);
    checkOptions("Session", options);
    this.language = language;
    this.#options = options;
  }

  /** What the last call that ended has printed to stdout. */
  get output(): string {
    return this.#output;
  }

  /**
   * Runs code and gives the value of its last expression: JSON as it is, anything else as the text its language shows it
   * with, null for none.
   * @throws CapsuleError if the code raised an exception, or reached a limit; UsageError for wrong options, and after
   *   `close`
   */
  async run<T = unknown>(code: string, options: CallOptions = {}): Promise<T> {
    return givenValue(succeeded(await this.execute(code, options))) as T;
  }

  /**
   * Runs code and says all that came of it. What the code did wrong is in the execution.
   * @throws UsageError for wrong options, and after `close`
   */
  async execute(code: string, options: CallOptions = {}): Promise<Execution> {
    checkCode("session.run", code);
    checkOptions("session.run", options);
    const { onOutput: mine } = this.#options;
    const { signal, onOutput: its } = options;
    const onOutput = async (output: CodeOutput): Promise<void> => {
      await Promise.all([mine?.(output), its?.(output)]);
    };
    const execution = await this.#use((session) =>
      call({ signal, onOutput: mine || its ? onOutput : undefined }, (bare) => session.run(code, bare)),
    );
    this.#output = execution.stdout;
    return execution;
  }

  /**
   * Copies a file or a whole folder of the host into the workspace.
   * @param name where to, as a path in the workspace; default: under its own name
   * @returns the files that are there now
   * @throws UsageError if it can't be done, as all below
   */
  importFile(hostPath: string, name?: string): Promise<WorkspaceFile[]> {
    return this.#use((session) => session.importFile(hostPath, name));
  }

  /** Copies a file or a whole folder out of the workspace, to a path of the host. */
  exportFile(name: string, hostPath: string): Promise<void> {
    return this.#use((session) => session.exportFile(name, hostPath));
  }

  /** Writes a file of the workspace, and makes the folders it is in. */
  writeFile(name: string, data: string | Uint8Array): Promise<WorkspaceFile> {
    return this.#use((session) => session.writeFile(name, data));
  }

  /** The bytes of a file of the workspace. */
  readFile(name: string): Promise<Uint8Array> {
    return this.#use((session) => session.readFile(name));
  }

  /** Deletes a file or a whole folder of the workspace. */
  deleteFile(name: string): Promise<void> {
    return this.#use((session) => session.deleteFile(name));
  }

  /** All files of the workspace, or of a folder in it, by path. */
  listFiles(folder?: string): Promise<WorkspaceFile[]> {
    return this.#use((session) => session.listFiles(folder));
  }

  /** Forgets all that code has defined. Files stay. */
  async reset(): Promise<void> {
    this.#usable();
    if (this.#opened) await this.#use((session) => session.reset());
  }

  /** Cancels what runs, and removes the sandbox and its workspace. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = this.#opened;
    this.#opened = null;
    // What kept it from opening was told to whoever asked for it.
    await (await opened?.catch(() => null))?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #usable(): void {
    if (this.#closed) throw closed();
  }

  async #use<R>(work: (session: CodeSession) => Promise<R>): Promise<R> {
    this.#usable();
    try {
      return await work(await this.#open());
    } catch (error) {
      throw usageErrorOf(error);
    }
  }

  #open(): Promise<CodeSession> {
    if (this.#opened) return this.#opened;
    const { onOutput: _, ...given } = this.#options;
    const open = async (): Promise<CodeSession> => {
      const runtime = await sharedRuntime(given.capsulePath);
      return runtime.openSession({ ...(await bareSandbox(given)), language: this.language });
    };
    const opening = open();
    this.#opened = opening;
    // The next call tries again.
    opening.catch(() => {
      if (this.#opened === opening) this.#opened = null;
    });
    return opening;
  }
}

import type { CodeRuntime, CodeRuntimeOptions } from "@capsule-run/code";
import type { CallToolResult, ServerContext } from "@modelcontextprotocol/server";
import { oneLine } from "../format.ts";
import { failed, ToolFailure, wordsOf } from "./failure.ts";
import { MCP_LIMITS } from "./limits.ts";
import { type Reporter, reporterFor } from "./progress.ts";
import { SessionTable } from "./sessions.ts";
import type { McpSettings } from "./settings.ts";
import { shownResult } from "./shown.ts";

export interface DeskParts {
  readonly settings: McpSettings;
  /** A line on stderr. */
  readonly log: (text: string) => void;
  /** Whether the client reads so little that progress is not told. */
  readonly isFull: () => boolean;
  readonly createCodeRuntime: (options: CodeRuntimeOptions) => CodeRuntime | Promise<CodeRuntime>;
}

/** What all tools of one client share: the runtime, made when code first runs, the sessions, and the count of calls. */
export class Desk {
  readonly settings: McpSettings;
  readonly sessions: SessionTable;
  readonly #parts: DeskParts;
  readonly #open = new Set<Promise<unknown>>();
  readonly #reporters = new Set<Reporter>();
  readonly #closing = new AbortController();
  #runtime: Promise<CodeRuntime> | null = null;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.sessions = new SessionTable({ ...parts.settings, log: parts.log });
  }

  /** Starts nothing yet: a sandbox is for the first piece of code. */
  runtime(): Promise<CodeRuntime> {
    this.#runtime ??= this.#create();
    return this.#runtime;
  }

  /**
   * Answers one call of a tool: what it may not do or did wrong is an answer too. Cancelled by the client, and when the
   * server closes.
   */
  async answer(
    context: ServerContext,
    work: (reporter: Reporter, signal: AbortSignal) => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    if (this.#open.size >= MCP_LIMITS.calls)
      return failed(`${MCP_LIMITS.calls} calls are under way: wait until some have ended`);
    const signal = AbortSignal.any([context.mcpReq.signal, this.#closing.signal]);
    const answer = this.#perform(context, (reporter) => work(reporter, signal));
    this.#open.add(answer);
    try {
      return await answer;
    } finally {
      this.#open.delete(answer);
    }
  }

  /** Cancels what runs, closes all sessions, and waits for that. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the server is closing"));
    await this.sessions.closeAll();
    const runtime = await this.#runtime?.catch(() => null);
    await runtime?.close();
    await Promise.allSettled(this.#open);
  }

  async #create(): Promise<CodeRuntime> {
    const { createCodeRuntime, log } = this.#parts;
    try {
      return await createCodeRuntime({
        onWarning: log,
        onProgress: (progress) => {
          if (progress === null) return;
          const { text, done, total } = progress;
          const part = total > 0 ? ` (${Math.floor((done / total) * 100)} %)` : "";
          for (const reporter of this.#reporters) reporter.say(text + part);
        },
      });
    } catch (error) {
      // What is wrong may be mended while the server runs: the next call tries again.
      this.#runtime = null;
      throw error;
    }
  }

  async #perform(
    context: ServerContext,
    work: (reporter: Reporter) => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    using reporter = reporterFor(context, this.#parts.isFull);
    this.#reporters.add(reporter);
    try {
      if (this.#closing.signal.aborted) throw new ToolFailure("the server is closing");
      return shownResult(await work(reporter));
    } catch (error) {
      const words = wordsOf(error);
      if (words !== null) return shownResult(failed(words));
      this.#parts.log(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
      return failed(`internal error: ${oneLine(error instanceof Error ? error.message : String(error))}`);
    } finally {
      this.#reporters.delete(reporter);
    }
  }
}

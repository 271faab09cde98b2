import { randomBytes } from "node:crypto";
import type { CodeLanguage, CodeSession } from "@capsule-run/code";
import { duration, plural } from "../format.ts";
import { ToolFailure } from "./failure.ts";
import { MCP_LIMITS } from "./limits.ts";

/** A session as `list_sessions` shows it. */
export interface SessionView {
  readonly session_id: string;
  readonly language: CodeLanguage;
  /** Seconds. */
  readonly age_seconds: number;
  readonly idle_seconds: number;
  /** Calls of it that have ended. */
  readonly calls: number;
  /** Whether one is under way. */
  readonly busy: boolean;
}

interface Entry {
  readonly id: string;
  readonly language: CodeLanguage;
  readonly session: CodeSession;
  readonly createdAt: number;
  usedAt: number;
  /** Calls under way, waiting ones included. */
  open: number;
  calls: number;
  timer: NodeJS.Timeout | null;
}

export interface SessionTableOptions {
  readonly maxSessions: number;
  readonly sessionIdleMs: number;
  /** What went wrong when nobody waited for it. */
  readonly log: (text: string) => void;
}

/** The sessions of one client, by ids that are made here and never used again. */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #entries = new Map<string, Entry>();
  /** How those ended that are gone, the newest last. */
  readonly #ended = new Map<string, string>();
  #opening = 0;
  #closed = false;

  constructor(options: SessionTableOptions) {
    this.#options = options;
  }

  /**
   * Opens one.
   * @throws ToolFailure when there are as many as there may be
   */
  async open(language: CodeLanguage, make: () => Promise<CodeSession>): Promise<SessionView> {
    const { maxSessions } = this.#options;
    if (this.#entries.size + this.#opening >= maxSessions)
      throw new ToolFailure(
        `${plural(maxSessions, "session is", "sessions are")} open, which is the limit: close one first (${[...this.#entries.keys()].join(", ")})`,
      );
    this.#opening++;
    let session: CodeSession;
    try {
      session = await make();
    } finally {
      this.#opening--;
    }
    if (this.#closed) {
      await session.close();
      throw new ToolFailure("the server is closing");
    }
    const now = performance.now();
    const id = `${language}-${randomBytes(4).toString("hex")}`;
    const entry: Entry = {
      id,
      language,
      session,
      createdAt: now,
      usedAt: now,
      open: 0,
      calls: 0,
      timer: null,
    };
    this.#entries.set(id, entry);
    this.#rest(entry);
    return view(entry);
  }

  /**
   * Does something with a session; it does not expire meanwhile.
   * @throws ToolFailure if there is none by this id, or too much waits for it
   */
  async use<T>(id: string, work: (session: CodeSession, language: CodeLanguage) => Promise<T>): Promise<T> {
    const entry = this.#find(id);
    if (entry.open >= MCP_LIMITS.sessionCalls)
      throw new ToolFailure(
        `${entry.open} calls of the session ${id} are under way or waiting: wait until some have ended`,
      );
    entry.open++;
    if (entry.timer) clearTimeout(entry.timer);
    try {
      return await work(entry.session, entry.language);
    } catch (error) {
      // Closed while it waited: that is what the client should hear.
      if (!this.#entries.has(id)) throw this.#unknown(id);
      throw error;
    } finally {
      entry.open--;
      entry.calls++;
      entry.usedAt = performance.now();
      if (entry.open === 0 && this.#entries.has(id)) this.#rest(entry);
    }
  }

  list(): readonly SessionView[] {
    return [...this.#entries.values()].map(view);
  }

  /** @throws ToolFailure if there is none by this id */
  async close(id: string): Promise<void> {
    await this.#end(this.#find(id), "it was closed");
  }

  /** Closes all. */
  async closeAll(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(
      [...this.#entries.values()].map((entry) => this.#end(entry, "the server closed")),
    );
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw this.#unknown(id);
    return entry;
  }

  #unknown(id: string): ToolFailure {
    const how = this.#ended.get(id);
    const name = JSON.stringify(id.slice(0, 100));
    if (how !== undefined)
      return new ToolFailure(
        `there is no session ${name} any more: ${how}. Its variables and files are gone; create_session opens a new one`,
      );
    const open = [...this.#entries.keys()];
    return new ToolFailure(
      `there is no session ${name}; ${open.length === 0 ? "none is open: create_session opens one" : `open are ${open.join(", ")}`}`,
    );
  }

  /** From now on it is closed if nothing happens. */
  #rest(entry: Entry): void {
    const { sessionIdleMs, log } = this.#options;
    if (entry.timer) clearTimeout(entry.timer);
    const expire = (): void => {
      const how = `nothing happened in it for ${duration(sessionIdleMs)}`;
      this.#end(entry, how).catch((error) => log(`closing ${entry.id} failed: ${error}`));
    };
    entry.timer = setTimeout(expire, Math.min(sessionIdleMs, 2 ** 31 - 1)).unref();
  }

  async #end(entry: Entry, how: string): Promise<void> {
    if (!this.#entries.delete(entry.id)) return;
    if (entry.timer) clearTimeout(entry.timer);
    this.#ended.set(entry.id, how);
    if (this.#ended.size > MCP_LIMITS.endedSessions) {
      const [oldest] = this.#ended.keys();
      this.#ended.delete(oldest as string);
    }
    await entry.session.close();
  }
}

const seconds = (from: number): number => Math.round((performance.now() - from) / 1000);

const view = ({ id, language, createdAt, usedAt, calls, open }: Entry): SessionView => ({
  session_id: id,
  language,
  age_seconds: seconds(createdAt),
  idle_seconds: open > 0 ? 0 : seconds(usedAt),
  calls,
  busy: open > 0,
});

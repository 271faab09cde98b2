import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A peer's process that is told what to do, a line of JSON at a time; killed with all it started when disposed. */
export class Driver implements Disposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor({ command, args, cwd, env }: Command) {
    this.#child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "inherit"], detached: true });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#answers = lines[Symbol.asyncIterator]();
  }

  /** @throws Error with what the peer says is wrong, or that it has ended */
  async ask<T>(what: string, more: Readonly<Record<string, unknown>>): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify({ do: what, ...more })}\n`);
    const { value: line, done } = await this.#answers.next();
    if (done) throw new Error("the peer has ended");
    const answer = JSON.parse(line) as { readonly value: T; readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }

  [Symbol.dispose](): void {
    try {
      process.kill(-(this.#child.pid as number), "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** What `work` gives, or null if it takes longer than so many milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Failure, Verdict } from "./oracle.ts";
import type { Job } from "./worker.ts";

/** What a worker makes of a module; one that gives no answer has its failure, too. */
export type Answer = Verdict | { readonly failures: readonly LostWorker[]; readonly end: "lost" };

export type LostWorker = { readonly oracle: "hang" | "death" | "memory"; readonly detail: string };

/** The oracles' names, those for lost workers too. */
export type Oracle = Failure["oracle"] | LostWorker["oracle"] | "tiers" | "wasmtime";

const SCRIPT = fileURLToPath(new URL("worker.ts", import.meta.url));

/** A module takes no longer, on a machine that is busy with other things. */
const TIME_LIMIT_MS = 60_000;
/** Above that a worker is replaced: V8 keeps code of modules. */
const WORN_KIBIBYTES = 1_500_000;
/** One module may not take more than that. */
const MEMORY_LIMIT_KIBIBYTES = 2_500_000;

/** A child process that tries modules, replaced when it dies. */
export class Worker {
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;

  /** @param flags of Node, such as those that choose a tier of V8. */
  constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  async examine(job: Job): Promise<Answer> {
    const child = this.#child?.connected ? this.#child : this.#start();
    const answer = await new Promise<{ verdict: Verdict; kibibytes: number } | LostWorker>((resolve) => {
      const timer = setTimeout(() => {
        end({ oracle: "hang", detail: `no answer within ${TIME_LIMIT_MS / 1000} s` });
      }, TIME_LIMIT_MS);
      const end = (value: { verdict: Verdict; kibibytes: number } | LostWorker) => {
        clearTimeout(timer);
        child.removeAllListeners("message").removeAllListeners("exit");
        resolve(value);
      };
      child.once("message", (message) => end(message as { verdict: Verdict; kibibytes: number }));
      child.once("exit", (code, signal) =>
        end({ oracle: "death", detail: `the process ended with ${signal ?? code}` }),
      );
      child.send(job);
    });
    if ("oracle" in answer) {
      this.close();
      return { failures: [answer], end: "lost" };
    }
    if (answer.kibibytes < WORN_KIBIBYTES) return answer.verdict;
    this.close();
    if (answer.kibibytes < MEMORY_LIMIT_KIBIBYTES) return answer.verdict;
    return { failures: [{ oracle: "memory", detail: `it took ${answer.kibibytes} KiB` }], end: "lost" };
  }

  #start(): ChildProcess {
    const child = fork(SCRIPT, [], {
      execArgv: [...this.#flags, "--stack-trace-limit=12"],
      serialization: "advanced",
    });
    child.on("error", () => {});
    this.#child = child;
    return child;
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

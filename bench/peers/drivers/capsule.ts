/** Ours, with the interface of the other drivers: `node capsule.ts FOLDER javascript|python`. */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Session } from "@capsule-run/adapter";
import { createRuntime, type RunResult } from "@capsule-run/sdk/runner";

const [folder = "", language = ""] = process.argv.slice(2);
const python = language === "python";
const runtime = await createRuntime({ cwd: folder });
const sessions: Session[] = [];

const run = (name: string, args: readonly string[]): Promise<RunResult<unknown>> =>
  runtime.run({ file: `${name}.${python ? "py" : "ts"}`, args });

async function value(name: string, args: readonly string[]): Promise<unknown> {
  const answer = await run(name, args);
  if (!answer.success) throw new Error(answer.error.message);
  return answer.result;
}

async function timed(call: () => Promise<unknown>, count: number, gap: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    if (gap > 0) await sleep(gap);
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return times;
}

interface Request {
  readonly do: string;
  readonly count: number;
  readonly gap: number;
  readonly name: string;
  readonly args: readonly string[];
}

const ACTIONS: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
  calls: ({ count, gap }) => timed(() => value(python ? "peers" : "trivial", ["hello"]), count, gap),
  turns({ count, gap }) {
    const opened = sessions[0] ?? new Session(python ? "python" : "javascript");
    sessions[0] = opened;
    return timed(() => opened.run("x = 1 + 1"), count, gap);
  },
  program: async ({ name, args }) => (await timed(() => value(name, args), 1, 0))[0],
  async ends({ name, args }) {
    const answer = await run(name, args);
    if (!answer.success) return answer.error.error_type;
    const inner = answer.result as Partial<RunResult<unknown>> | string;
    return typeof inner === "string" ? inner : (inner.error?.error_type ?? String(inner.result));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  const answer = await ACTIONS[request.do]?.(request).then(
    (value) => ({ value }),
    (error: unknown) => ({ error: String(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await sessions[0]?.close();
await runtime.close();

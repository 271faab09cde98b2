import { setTimeout as sleep } from "node:timers/promises";
import { type CodeLanguage, createCodeRuntime } from "@capsule-run/code";
import { createRuntime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import { least, median, quantile, timed } from "../lib/statistics.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

/** Wanted of a call, spaced and back to back: from the issue that brought sessions. */
const WANTED_MS = 0.5;
/** Milliseconds between two calls that are spaced: long after the image was taken. */
const PAUSES_MS = [5, 20];

/** What makes a call, with what it is made in: closed when all are measured. */
interface Opened extends AsyncDisposable {
  call(): Promise<void>;
}

/** Calls of one session, timed in the host. */
const sessionsOf = (name: string, title: string, what: string, open: () => Promise<Opened>): Subject => ({
  name,
  title,
  async measure({ quick }) {
    await using opened = await open();
    const call = (): Promise<void> => opened.call();
    const first = await timed(call);
    const many = async (count: number, pauseMs: number): Promise<number[]> => {
      const samples: number[] = [];
      for (let i = 0; i < count; i++) {
        if (pauseMs > 0) await sleep(pauseMs);
        samples.push(await timed(call));
      }
      return samples;
    };
    // Until V8 has optimized the engine.
    await many(1000, 0);
    const count = quick ? 500 : 2000;
    const together = await many(count, 0);
    const row = (how: string, samples: readonly number[]): Measurement => ({
      name: `call of ${what}, p50, ${how}`,
      value: median(samples),
      unit: "ms",
      wanted: WANTED_MS,
      note: `p99 ${quantile(samples, 0.99).toFixed(2)} ms, least ${least(samples).toFixed(2)} ms of ${samples.length}`,
    });
    const spaced: Measurement[] = [];
    for (const pauseMs of PAUSES_MS) spaced.push(row(`${pauseMs} ms apart`, await many(count / 5, pauseMs)));
    return [
      { name: `first call of ${what}, with its cell`, value: first, unit: "ms" },
      ...spaced,
      row("back to back", together),
    ];
  },
});

/** Of a program whose state is small: what it keeps are a thousand objects. */
async function openProgram(file: string): Promise<Opened> {
  const stack = new AsyncDisposableStack();
  const project = stack.use(new Project(benchProgram(file)));
  const runtime = stack.use(await createRuntime({ cwd: project.folder }));
  const session = stack.use(await runtime.openSession({ file }));
  return {
    async call() {
      const { envelope } = await session.run({ args: [1] });
      if (!envelope.success) throw new Error(`${file}: ${envelope.error.message}`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Of code that a model could have written. */
async function openCode(language: CodeLanguage): Promise<Opened> {
  const stack = new AsyncDisposableStack();
  const runtime = stack.use(createCodeRuntime());
  const session = stack.use(await runtime.openSession({ language }));
  const run = async (code: string): Promise<void> => {
    const { error } = await session.run(code);
    if (error) throw new Error(`${code}: ${error.message}`);
  };
  await run("x = 21");
  return { call: () => run("x * 2"), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export const sessions = sessionsOf("sessions", "sessions", "a session", () => openProgram("session.ts"));
export const codeSessions = sessionsOf("code-sessions", "sessions of code", "a code session", () =>
  openCode("javascript"),
);
export const pythonSessions = sessionsOf("python-sessions", "sessions of Python", "a session", () => {
  pythonEngine();
  return openProgram("session.py");
});
export const pythonCodeSessions = sessionsOf(
  "python-code-sessions",
  "sessions of code in Python",
  "a code session",
  () => {
    pythonEngine();
    return openCode("python");
  },
);

import { setTimeout as sleep } from "node:timers/promises";
import { createRuntime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import { least, median, quantile, timed } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted of a call, spaced and back to back: from the issue that brought sessions. */
const WANTED_MS = 0.5;
/** Milliseconds between two calls that are spaced: long after the image was taken. */
const PAUSE_MS = 5;

/** Calls of one session, timed in the host. A program whose state is small: what it keeps are a thousand objects. */
const sessionsOf = (name: string, title: string, file: string, prepare: () => void): Subject => ({
  name,
  title,
  async measure({ quick }) {
    prepare();
    using project = new Project(benchProgram(file));
    await using runtime = await createRuntime({ cwd: project.folder });
    await using session = await runtime.openSession({ file });
    const call = async (): Promise<void> => {
      const { envelope } = await session.run({ args: [1] });
      if (!envelope.success) throw new Error(`${file}: ${envelope.error.message}`);
    };
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
    const [spaced, together] = [await many(count / 5, PAUSE_MS), await many(count, 0)];
    const spread = (samples: readonly number[]): string =>
      `p99 ${quantile(samples, 0.99).toFixed(2)} ms, least ${least(samples).toFixed(2)} ms of ${samples.length}`;
    return [
      { name: "first call of a session, with its cell", value: first, unit: "ms" },
      {
        name: `call of a session, p50, ${PAUSE_MS} ms apart`,
        value: median(spaced),
        unit: "ms",
        wanted: WANTED_MS,
        note: spread(spaced),
      },
      {
        name: "call of a session, p50, back to back",
        value: median(together),
        unit: "ms",
        wanted: WANTED_MS,
        note: spread(together),
      },
    ];
  },
});

export const sessions = sessionsOf("sessions", "sessions", "session.ts", () => {});
export const pythonSessions = sessionsOf("python-sessions", "sessions of Python", "session.py", pythonEngine);

/**
 * A soak: `node test/soak/run.ts [--runs=N] [--at-once=N] [--language=typescript|python]`. Many small runs of every
 * kind of ending in one runtime of `@capsule-run/sdk/runner`, 100,000 for each language by default, eight at a time. Twenty
 * times on the way it lets all end, looks at what is held, and prints a line. Ends with 1 if a run ended otherwise than it
 * has to, if a rejection was left unhandled, or if memory, latency, handles, files, listeners or cells did not stay as they
 * were.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRuntime, type Runtime } from "@capsule-run/sdk/runner";
import { quantile } from "../../bench/lib/statistics.ts";
import { judge, resourcesText, type Sample, type Verdict } from "./flat.ts";
import { gauge, QUIET_MS } from "./gauge.ts";
import { edit, LANGUAGES, type Language, type Piece, pieceOf, writePrograms, wrongEnd } from "./programs.ts";
import { recordOf, wrongRecord } from "./record.ts";
import { openWorld } from "./world.ts";

export interface SoakOptions {
  readonly language: Language;
  /** Runs before those that are looked at; default: none. */
  readonly warmUp?: number;
  readonly runs: number;
  readonly atOnce: number;
  /** How often it looks on the way. */
  readonly times: number;
  /** Milliseconds of quiet before it looks. */
  readonly quietMs: number;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  /** How many runs ended wrongly, and what the first ones did. */
  readonly wrong: number;
  readonly examples: readonly string[];
}

const LOOKS = 20;
/**
 * Runs until cells are warm: until then V8 compiles what is used again and again, and malloc's arenas grow to what the
 * largest number of sandboxes at once takes. Without its instances, a Python cell takes 195 MiB after 200 runs, 265 after
 * 1,000 and 270 after 8,000: in a soak of a few thousand runs, that alone would look like a leak.
 */
const WARM_UP = 2000;
const EXAMPLES = 5;

/** Runs one piece to its end; milliseconds, and what was wrong. */
async function perform(
  runtime: Runtime,
  piece: Piece,
  always: AbortSignal,
): Promise<{ readonly ms: number; readonly wrong: string | null }> {
  const stop = new AbortController();
  let printed = 0;
  const began = performance.now();
  const result = await runtime.run({
    file: piece.program,
    args: piece.args,
    // One that lives as long as its owner, as servers have.
    signal: piece.cancel ? AbortSignal.any([always, stop.signal]) : always,
    onOutput: ({ bytes }) => {
      printed += bytes.length;
      if (piece.cancel) stop.abort();
    },
  });
  return { ms: performance.now() - began, wrong: wrongEnd(piece, result, printed) };
}

/** Soaks a runtime with programs of one language. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { language, warmUp = 0, runs, atOnce, times: looks, quietMs, say } = options;
  const folder = mkdtempSync(join(tmpdir(), "capsule-soak-"));
  const always = new AbortController();
  const samples: Sample[] = [];
  const examples: string[] = [];
  let wrong = 0;
  const note = (problem: string | null): void => {
    if (problem === null) return;
    wrong++;
    if (examples.length < EXAMPLES) examples.push(problem);
  };
  const unhandled = (reason: unknown): void => note(`an unhandled rejection: ${String(reason)}`);
  process.on("unhandledRejection", unhandled);
  try {
    await using world = await openWorld(folder);
    writePrograms(folder, language, world);
    {
      await using runtime = await createRuntime({
        cwd: folder,
        onWarning: (message) => note(`a warning: ${message}`),
      });
      let begun = 0;
      const performUntil = async (until: number): Promise<number[]> => {
        const times: number[] = [];
        await Promise.all(
          Array.from({ length: atOnce }, async () => {
            while (begun < until) {
              const { ms, wrong } = await perform(runtime, pieceOf(begun++, language), always.signal);
              times.push(ms);
              note(wrong);
            }
          }),
        );
        return times;
      };
      await performUntil(warmUp);
      for (let n = 1; n <= looks; n++) {
        const done = Math.round((runs * n) / looks);
        const from = begun;
        const start = performance.now();
        note((await perform(runtime, edit(folder, language, n), always.signal)).wrong);
        const times = await performUntil(warmUp + done);
        const rate = ((begun - from) / (performance.now() - start)) * 1000;
        const held = await gauge(always.signal, quietMs);
        const sample = { runs: done, p50: quantile(times, 0.5), p99: quantile(times, 0.99), ...held };
        samples.push(sample);
        say(lineOf(sample, rate));
      }
    }
    const recorded = recordOf(folder);
    note(wrongRecord(recorded, warmUp + runs + looks));
    say(`the record has ${recorded.runs} finished runs in ${mebibytes(recorded.bytes)}`);
  } finally {
    process.off("unhandledRejection", unhandled);
    rmSync(folder, { recursive: true, force: true });
  }
  return { samples, wrong, examples };
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;

const lineOf = (
  { runs, p50, p99, heap, host, cells, pids, files, listeners, resources }: Sample,
  rate: number,
) =>
  [
    `${String(runs).padStart(7)} runs`,
    `${rate.toFixed(0)} a second`,
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    `heap ${mebibytes(heap)}, resident ${mebibytes(host)}`,
    `${pids.length} children (${pids.join(" ")}) ${mebibytes(cells)}`,
    `${files} files, ${listeners} listeners`,
    resourcesText(resources),
  ].join(" · ");

function tableOf(verdicts: readonly Verdict[]): string {
  const rows = [
    ["", "before", "after", "allowed", ""],
    ...verdicts.map(({ what, before, after, allowed, ok }) => [
      what,
      before,
      after,
      allowed,
      ok ? "ok" : "NOT FLAT",
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...rows.map((row) => (row[i] as string).length)));
  return rows
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i] as number))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "100000" },
      "at-once": { type: "string", default: "8" },
      language: { type: "string" },
    },
  });
  const languages = LANGUAGES.filter((language) => (values.language ?? language) === language);
  const [runs, atOnce] = [Number(values.runs), Number(values["at-once"])];
  if (languages.length === 0 || !(runs >= LOOKS) || !(atOnce >= 1)) {
    console.error(`--language is ${LANGUAGES.join(" or ")}, --runs is ${LOOKS} at least, --at-once 1`);
    return false;
  }
  const say = (line: string): void => console.log(line);
  let good = true;
  for (const language of languages) {
    console.log(`${language}: ${runs} runs after ${WARM_UP} to warm up, ${atOnce} at once`);
    const options = { language, warmUp: WARM_UP, runs, atOnce, times: LOOKS, quietMs: QUIET_MS, say };
    const { samples, wrong, examples } = await soak(options);
    const verdicts = judge(samples);
    console.log(`\n${tableOf(verdicts)}\n`);
    console.log(`${wrong} of ${runs} runs ended otherwise than they have to`);
    for (const example of examples) console.log(`  ${example}`);
    good &&= wrong === 0 && verdicts.every(({ ok }) => ok);
  }
  return good;
}

if (import.meta.main) process.exitCode = (await main()) ? 0 : 1;

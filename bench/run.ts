/**
 * Measures Capsule: prints a table and writes `bench/results/latest.json`.
 *
 *     npm run bench                      all subjects, a quarter of an hour
 *     npm run bench -- --quick           fewer rounds, some minutes
 *     npm run bench -- --only start      one subject; may be given several times
 *
 * Times are medians of many rounds in which the contenders take turns. On a machine that does other work, "least" says
 * more than the median, and a ratio more than milliseconds.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { isMissed, type Measurement, type Subject } from "./lib/subject.ts";
import { table } from "./lib/table.ts";
import { calls, pythonCalls } from "./subjects/calls.ts";
import { effects } from "./subjects/effects.ts";
import { fairness, pythonFairness } from "./subjects/fairness.ts";
import { hostLoop } from "./subjects/host-loop.ts";
import { memoryUse } from "./subjects/memory.ts";
import { metering } from "./subjects/metering.ts";
import { pythonKernels } from "./subjects/python-kernels.ts";
import { pythonMemory } from "./subjects/python-memory.ts";
import { pythonSandbox } from "./subjects/python-sandbox.ts";
import { pythonScience } from "./subjects/python-science.ts";
import { pythonStart } from "./subjects/python-start.ts";
import { reaction } from "./subjects/reaction.ts";
import { sandbox } from "./subjects/sandbox.ts";
import { codeSessions, pythonCodeSessions, pythonSessions, sessions } from "./subjects/sessions.ts";
import { start } from "./subjects/start.ts";

const SUBJECTS: readonly Subject[] = [
  ...[
    start,
    calls,
    sessions,
    codeSessions,
    metering,
    sandbox,
    reaction,
    hostLoop,
    fairness,
    memoryUse,
    effects,
  ],
  ...[
    pythonStart,
    pythonCalls,
    pythonSessions,
    pythonCodeSessions,
    pythonKernels,
    pythonScience,
    pythonSandbox,
    pythonFairness,
    pythonMemory,
  ],
];

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string", multiple: true } },
});
const names = SUBJECTS.map(({ name }) => name);
for (const name of values.only ?? [])
  if (!names.includes(name)) throw new Error(`no subject "${name}": there are ${names.join(", ")}`);

interface Result {
  readonly subject: string;
  readonly rows: readonly Measurement[];
}

const [loadBefore] = loadavg();
const results: Result[] = [];
for (const subject of SUBJECTS) {
  if (values.only && !values.only.includes(subject.name)) continue;
  const rows = await subject.measure({ quick: values.quick });
  console.log(table(`${subject.title} (${subject.name})`, rows));
  results.push({ subject: subject.name, rows });
}

const [loadAfter] = loadavg();
const machine = {
  node: process.version,
  v8: process.versions.v8,
  cores: cpus().length,
  loadBefore,
  loadAfter,
};
const folder = new URL("results/", import.meta.url);
mkdirSync(folder, { recursive: true });
const report = { at: new Date().toISOString(), quick: values.quick, machine, results };
writeFileSync(new URL("latest.json", folder), `${JSON.stringify(report, null, 2)}\n`);

const missed = results.flatMap(({ rows }) => rows).filter(isMissed);
console.log(
  `Node ${process.versions.node}, ${machine.cores} cores, load ${loadBefore?.toFixed(1)} to ${loadAfter?.toFixed(1)}: ` +
    (missed.length === 0 ? "everything as wanted" : `${missed.length} missed`),
);

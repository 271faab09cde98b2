/**
 * Runs CPython's own tests in sandboxes: `node test/cpython/run.ts [MODULE…] [--slice] [--cells=N] [--results=FILE]
 * [--update]`. All modules of `outcomes.json` by default. Ends with 1 if a test ended otherwise than is known.
 * `--results` keeps how each test ended, with the messages of those that failed. `--update` makes `outcomes.json` say what
 * it saw, new failures as "unexplained", for someone to say why. `--docs` runs nothing: it makes the page of the docs anew.
 */
import { writeFileSync } from "node:fs";
import { writePage } from "./docs.ts";
import {
  allOf,
  differences,
  likeness,
  type ModuleOutcome,
  type ModuleResult,
  type Outcomes,
  readOutcomes,
  writeOutcomes,
} from "./outcomes.ts";
import { findTests, PYTHON_VARIABLE, RELEASE } from "./source.ts";
import { runModules } from "./suite.ts";

export const NO_TESTS = `CPython ${RELEASE}'s tests are not there: neither "apt-get download" nor a Python ${RELEASE} has them; ${PYTHON_VARIABLE} may name one`;

export interface Summary {
  readonly version: string;
  readonly modules: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What is not as it is known. */
  readonly news: readonly string[];
  readonly results: ReadonlyMap<string, ModuleResult>;
}

/** Runs modules and compares with what is known; null if there are no tests to run. */
export async function check(
  modules: readonly string[],
  outcomes: Outcomes,
  options: { readonly cells?: number | undefined; readonly say?: (line: string) => void } = {},
): Promise<Summary | null> {
  const tests = findTests();
  if (!tests) return null;
  const say = options.say ?? (() => {});
  const sums = { passed: 0, failed: 0, skipped: 0 };
  const news: string[] = [];
  const results = await runModules({
    tests,
    modules,
    outcomes,
    cells: options.cells,
    onProgress: say,
    onResult: (module, result, ms) => {
      const known = outcomes.modules[module] ?? { passed: 0, skipped: 0 };
      news.push(...differences(module, known, result, likeness(tests.version, outcomes.version)));
      if ("error" in result) say(`${module}: ${result.error}`);
      else {
        const counts = {
          passed: result.passed.length,
          failed: Object.keys(result.failed).length,
          skipped: Object.keys(result.skipped).length,
        };
        for (const what of ["passed", "failed", "skipped"] as const) sums[what] += counts[what];
        say(
          `${module}: ${counts.passed} pass, ${counts.failed} fail, ${counts.skipped} skipped (${Math.round(ms)} ms)`,
        );
      }
    },
  });
  return { version: tests.version, modules: results.size, ...sums, news, results };
}

/** What is known, made to agree with what was seen. */
export function updated(outcomes: Outcomes, { version, results }: Summary): Outcomes {
  const modules: Record<string, ModuleOutcome> = { ...outcomes.modules };
  for (const [module, result] of results)
    if (!("error" in result)) modules[module] = seen(modules[module], result);
  const sorted = Object.entries(modules).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...outcomes, version, modules: Object.fromEntries(sorted) };
}

function seen(
  known: ModuleOutcome | undefined,
  result: Exclude<ModuleResult, { error: string }>,
): ModuleOutcome {
  const either = new Set(allOf(known?.either));
  const names = (of: object): string[] => Object.keys(of).filter((name) => !either.has(name));
  const reasonOf = new Map(
    Object.entries(known?.failed ?? {}).flatMap(([reason, tests]) => tests.map((name) => [name, reason])),
  );
  const failed: Record<string, string[]> = {};
  for (const name of names(result.failed).sort()) {
    const reason = reasonOf.get(name) ?? "unexplained";
    failed[reason] = [...(failed[reason] ?? []), name];
  }
  return {
    passed: result.passed.filter((name) => !either.has(name)).length,
    skipped: names(result.skipped).length,
    ...(Object.keys(failed).length > 0 ? { failed } : {}),
    ...(known?.leftOut ? { leftOut: known.leftOut } : {}),
    ...(known?.either ? { either: known.either } : {}),
  };
}

async function main(words: readonly string[]): Promise<number> {
  const outcomes = readOutcomes();
  const named = words.filter((word) => !word.startsWith("-"));
  const chosen = words.includes("--slice") ? outcomes.slice : Object.keys(outcomes.modules);
  const option = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  if (words.includes("--docs")) {
    writePage(outcomes);
    return 0;
  }
  const cells = Number(option("cells")) || undefined;
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const summary = await check(named.length > 0 ? named : chosen, outcomes, { cells, say });
  if (!summary) {
    process.stderr.write(`${NO_TESTS}\n`);
    return 1;
  }
  const { passed, failed, skipped, modules, news } = summary;
  say(
    `${passed} of ${passed + failed} tests of ${modules} modules pass, ${skipped} are skipped (${summary.version})`,
  );
  const results = option("results");
  if (results) writeFileSync(results, `${JSON.stringify(Object.fromEntries(summary.results), null, 1)}\n`);
  if (words.includes("--update")) {
    writeOutcomes(updated(outcomes, summary));
    writePage(readOutcomes());
    say("written; npm run format makes it tidy");
  }
  for (const line of news) process.stderr.write(`NEW: ${line}\n`);
  return news.length > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main(process.argv.slice(2));

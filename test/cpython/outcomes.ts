/**
 * What is known of CPython's tests in a sandbox, as data: `outcomes.json` has a row for each module that is run, with the
 * tests that fail by the reason why, and a reason for each that is not run. Whatever else fails is news, and so is what
 * passes against the list.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Names of tests, `Class.method`, by the reason why they don't pass. */
export type ByReason = Readonly<Record<string, readonly string[]>>;

export interface ModuleOutcome {
  readonly passed: number;
  readonly skipped: number;
  /** Tests that fail. */
  readonly failed?: ByReason;
  /** Tests that are not begun: they would end the sandbox, or take too long. `Class.*` is all of a class. */
  readonly leftOut?: ByReason;
  /** Tests whose outcome depends on chance or on the load of the machine. */
  readonly either?: ByReason;
}

export interface Outcomes {
  /** The version of the tests that the counts are of. */
  readonly version: string;
  /** What each reason means. */
  readonly reasons: Readonly<Record<string, string>>;
  /** The modules that a quick check runs. */
  readonly slice: readonly string[];
  readonly modules: Readonly<Record<string, ModuleOutcome>>;
  /** Modules that are not run, by the reason why. */
  readonly notRun: ByReason;
}

/** How the tests of one module ended; an error if the module could not be loaded, or the task failed. */
export type ModuleResult =
  | {
      readonly passed: readonly string[];
      /** Name → the error. */
      readonly failed: Readonly<Record<string, string>>;
      /** Name → why CPython skips it here. */
      readonly skipped: Readonly<Record<string, string>>;
    }
  | { readonly error: string };

const FILE = fileURLToPath(new URL("outcomes.json", import.meta.url));

export const readOutcomes = (): Outcomes => JSON.parse(readFileSync(FILE, "utf8")) as Outcomes;

export function writeOutcomes(outcomes: Outcomes): void {
  writeFileSync(FILE, `${JSON.stringify(outcomes, null, 2)}\n`);
}

export const hasOutcomes = (): boolean => existsSync(FILE);

export const allOf = (tests: ByReason = {}): string[] => Object.values(tests).flat();

/**
 * How well the tests that were run are known: those of the list themselves, others of the same release of CPython (a
 * distribution mends some), or those of another release.
 */
export type Likeness = "same" | "release" | "other";

export function likeness(version: string, listed: string): Likeness {
  const release = (text: string): string | undefined => /\d+\.\d+\.\d+/.exec(text)?.[0];
  return version === listed ? "same" : release(version) === release(listed) ? "release" : "other";
}

/** Of another release's tests so many pass at least, as a part of those that are known to pass. */
const OTHER_PASS = 0.9;

/** What is different from what is known, one line for each test. */
export function differences(
  module: string,
  known: ModuleOutcome,
  result: ModuleResult,
  alike: Likeness,
): readonly string[] {
  if ("error" in result) return [`${module}: does not run: ${result.error}`];
  if (alike === "other")
    return result.passed.length < known.passed * OTHER_PASS
      ? [`${module}: only ${result.passed.length} tests pass; of the listed ones ${known.passed} do`]
      : [];
  const news = changes(module, known, result, alike);
  // Counts say something only where nothing better does.
  if (alike !== "same" || news.length > 0) return news;
  const either = new Set(allOf(known.either));
  const count = (names: readonly string[]): number => names.filter((name) => !either.has(name)).length;
  for (const [what, now, before] of [
    ["pass", count(result.passed), known.passed],
    ["are skipped", count(Object.keys(result.skipped)), known.skipped],
  ] as const)
    if (now !== before) news.push(`${module}: ${now} tests ${what}; they were ${before}`);
  return news;
}

/** Tests that fail and should not, and the other way round. */
function changes(
  module: string,
  known: ModuleOutcome,
  result: Exclude<ModuleResult, { readonly error: string }>,
  alike: Likeness,
): string[] {
  const failed = new Set(allOf(known.failed));
  const either = new Set(allOf(known.either));
  const passed = new Set(result.passed);
  const news = Object.entries(result.failed)
    .filter(([name]) => !failed.has(name) && !either.has(name))
    .map(([name, message]) => `${module}: ${name} fails: ${message}`);
  for (const name of failed) {
    const now = passed.has(name)
      ? "passes"
      : alike !== "same" || name in result.failed
        ? ""
        : name in result.skipped
          ? "is skipped"
          : "is gone";
    if (now !== "") news.push(`${module}: ${name} ${now}; outcomes.json says that it fails`);
  }
  return news;
}

/** Whether a long run stays as it was: what its memory grows by in its second half, and its last quarter beside its second. */
import { median } from "../../bench/lib/statistics.ts";
import type { Held } from "./gauge.ts";

export interface Sample extends Held {
  /** Runs so far. */
  readonly runs: number;
  /** Milliseconds of the runs since the last sample. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * What memory may grow by in the second half: a share, and bytes for what collectors leave and for the one instance that
 * a cell keeps, which may be a small or a large one.
 */
const GROWTH = 1.1;
const SLACK = 16 * 1024 ** 2;
/** What the median of latency may be times what it was. */
const SLOWER = 1.5;

export interface Verdict {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly allowed: string;
  readonly ok: boolean;
}

const megabytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

const MEMORY: readonly (readonly [what: string, of: (sample: Sample) => number])[] = [
  ["host heap", (sample) => sample.heap],
  ["host resident", (sample) => sample.host],
  ["cells resident", (sample) => sample.cells],
];

/** What must be the very same whenever nothing runs. */
const SAME: readonly (readonly [what: string, of: (sample: Sample) => string])[] = [
  ["children", (sample) => sample.pids.join(" ")],
  ["handles", (sample) => resourcesText(sample.resources)],
  ["open files", (sample) => String(sample.files)],
  ["listeners", (sample) => String(sample.listeners)],
];

export const resourcesText = (resources: Readonly<Record<string, number>>): string =>
  Object.keys(resources)
    .sort()
    .map((name) => `${resources[name]} ${name}`)
    .join(", ");

/**
 * What values that were taken at equal distances grow by from the first to the last: the median of the slopes between any
 * two of them. Unlike a fitted line it does not care for a sample or two that are far off, and unlike a comparison of two
 * parts it tells a slope from a step up and down again.
 */
export function growthOf(values: readonly number[]): number {
  const slopes = values.flatMap((from, i) => values.slice(i + 1).map((to, j) => (to - from) / (j + 1)));
  return slopes.length === 0 ? 0 : median(slopes) * (values.length - 1);
}

/**
 * Judges samples that were taken at equal distances, four at least. Memory is judged by the second half only: caches,
 * V8's tiers and malloc's arenas fill up for a long while, at a pace that slows down, but a leak never does.
 */
export function judge(samples: readonly Sample[]): readonly Verdict[] {
  const quarter = Math.floor(samples.length / 4);
  const second = samples.slice(quarter, 2 * quarter);
  const last = samples.slice(-quarter);
  const settled = samples.slice(quarter);
  const half = samples.slice(-Math.ceil(samples.length / 2));
  const memory = MEMORY.map(([what, of]) => {
    const values = half.map(of);
    const [level, growth] = [median(values), growthOf(values)];
    const [before, after] = [level - growth / 2, level + growth / 2];
    const allowed = before * GROWTH + SLACK;
    return {
      what,
      before: megabytes(before),
      after: megabytes(after),
      allowed: `up to ${megabytes(allowed)}`,
      ok: after <= allowed,
    };
  });
  const [before, after] = [median(second.map(({ p50 }) => p50)), median(last.map(({ p50 }) => p50))];
  const latency = {
    what: "median latency",
    before: `${before.toFixed(2)} ms`,
    after: `${after.toFixed(2)} ms`,
    allowed: `up to ${(before * SLOWER).toFixed(2)} ms`,
    ok: after <= before * SLOWER,
  };
  const same = SAME.map(([what, of]) => {
    const seen = [...new Set(settled.map(of))];
    return {
      what,
      before: seen[0] as string,
      after: seen.at(-1) as string,
      allowed: "the same",
      ok: seen.length === 1,
    };
  });
  return [...memory, latency, ...same];
}

/**
 * Counts a log of five megabytes in a hundred sandboxes at once.
 *
 *     npx capsule run examples/analyze.ts --args-file examples/analyze.args.json
 *
 * The log is divided by time, one chunk for each quarter of an hour, and each chunk is given to a task of its own, which
 * parses it with the npm package `papaparse`. Reading fails now and then, and is retried. In one quarter of an hour a
 * batch job ran: that chunk is too much for one task's fuel, its envelope says so, and it is divided further.
 */
import { task } from "@capsule-run/sdk";
import {
  countChunk,
  generateLog,
  type LogParameters,
  latencyBound,
  mergeTotals,
  splitLines,
  type Totals,
} from "./lib/access-log.ts";

/** How often reading a chunk fails, as reading over a network would. */
const FAILURE_RATE = 0.15;
/** Parts a chunk is divided into that was too much for one task. */
const PARTS = 20;

/** Enough fuel for three times an ordinary chunk. */
const count = task(
  { name: "count", compute: 150_000_000, ram: "64MB", maxRetries: 10 },
  async (csv: string): Promise<Totals> => {
    if (Math.random() < FAILURE_RATE) throw new Error("the connection was reset");
    return countChunk(csv);
  },
);

export const main = task({ name: "main", compute: "HIGH" }, async (parameters: LogParameters) => {
  const chunks = generateLog(parameters);
  const counted: Totals[] = [];
  let retried = 0;
  let outOfFuel = 0;
  let parts = 0;

  await Promise.all(
    chunks.map(async (csv, index) => {
      const { success, result, error, execution } = await count(csv);
      if (execution.retries > 0) retried++;
      if (success) {
        counted.push(result);
        return;
      }
      if (error.error_type !== "out_of_fuel") throw new Error(`chunk ${index}: ${error.message}`);
      outOfFuel++;
      for (const part of await Promise.all(splitLines(csv, PARTS).map((text) => count(text)))) {
        if (!part.success) throw new Error(`a part of chunk ${index}: ${part.error.message}`);
        counted.push(part.result);
        parts++;
      }
    }),
  );

  const totals = mergeTotals(counted);
  console.table(
    Object.entries(totals).map(([endpoint, counts]) => ({
      endpoint,
      requests: counts.requests,
      "errors (5xx)": counts.statuses["5"] ?? 0,
      "mean ms": Math.round(counts.latencyMs / counts.requests),
      "median ms": latencyBound(counts, 50),
      "95 % ms": latencyBound(counts, 95),
      MB: Math.round(counts.bytes / 1e6),
    })),
  );
  console.log(
    `${chunks.length} chunks: ${retried} retried, ${outOfFuel} out of fuel and divided into ${parts} parts`,
  );
  return { totals, chunks: chunks.length, retried, outOfFuel, parts };
});

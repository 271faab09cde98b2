/**
 * Finds primes in parallel: async tasks run at the same time, each in a sandbox of its own, on all cores.
 *
 *     npx capsule run examples/parallel.ts
 *     npx capsule run examples/parallel.ts 2000000 40
 *
 * Arguments from the command line are strings.
 */
import { task } from "@capsule-run/sdk";

const countPrimes = task({ name: "countPrimes" }, async (from: number, to: number): Promise<number> => {
  let count = 0;
  for (let n = Math.max(from, 2); n < to; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor++;
    if (divisor * divisor > n) count++;
  }
  return count;
});

export const main = task({ name: "main" }, async (limit = "100000", tasks = "20"): Promise<string> => {
  const size = Math.ceil(Number(limit) / Number(tasks));
  const starts = Array.from({ length: Number(tasks) }, (_, i) => i * size);
  const envelopes = await Promise.all(
    starts.map((start) => countPrimes(start, Math.min(start + size, Number(limit)))),
  );
  let primes = 0;
  for (const { success, result, error } of envelopes) {
    if (!success) throw new Error(error.message);
    primes += result;
  }
  const fuel = envelopes.reduce((sum, { execution }) => sum + execution.fuel_consumed, 0);
  return `${primes} primes below ${limit}, found by ${tasks} tasks with ${Math.round(fuel / 1e6)} million units of fuel`;
});

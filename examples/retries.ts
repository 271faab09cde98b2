/**
 * Retries what fails by chance, and gives up on what fails for good.
 *
 *     npx capsule run --verbose examples/retries.ts
 *
 * `--verbose` shows each attempt, and the wait before the next: 100 ms, doubling, with some chance in it.
 */
import { task } from "@capsule-run/sdk";

/** Fails in one of three attempts, as a service that is overloaded. Randomness differs from attempt to attempt. */
const flaky = task({ name: "flaky", compute: "LOW", maxRetries: 20 }, async (): Promise<string> => {
  if (Math.random() < 1 / 3) throw new Error("503 Service Unavailable");
  return "answered";
});

/** Fails each time, whatever its retries. */
const broken = task({ name: "broken", compute: "LOW", maxRetries: 2 }, async (): Promise<never> => {
  throw new Error("404 Not Found");
});

/** Another attempt would meet the same limit: it is not retried. */
const endless = task({ name: "endless", compute: "LOW", maxRetries: 20 }, async (): Promise<never> => {
  for (;;);
});

export const main = task({ name: "main" }, async () => {
  const envelopes = await Promise.all([flaky(), broken(), endless()]);
  return envelopes.map(({ execution, result, error }) => ({
    task: execution.task_name,
    retries: execution.retries,
    outcome: error ? error.error_type : result,
  }));
});

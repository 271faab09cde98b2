import { task } from "@capsule-run/sdk";

const MINUTE_MS = 60_000;
const sleep = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, MINUTE_MS));

const nap = task({ name: "nap", compute: "LOW" }, async (): Promise<void> => {
  console.log("asleep");
  await sleep();
});
const quick = task({ name: "quick", compute: "LOW" }, async (): Promise<void> => {});

/** Makes `calls` calls that end, starts `naps` tasks that sleep, and sleeps itself. */
export const main = task({ name: "main" }, async (calls: string, naps: string): Promise<void> => {
  await Promise.all(Array.from({ length: Number(calls) }, () => quick()));
  for (let i = 0; i < Number(naps); i++) void nap();
  console.log("asleep");
  await sleep();
});

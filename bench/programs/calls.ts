import { task } from "@capsule-run/sdk";

const addSync = task({ name: "addSync", compute: "LOW" }, (a: number, b: number): number => a + b);
const addAsync = task(
  { name: "addAsync", compute: "LOW" },
  async (a: number, b: number): Promise<number> => a + b,
);

/** Calls a sub-task `count` times, one after the other or all at once, and adds up what they give. */
export const main = task(
  { name: "main" },
  async (count: number, way: "sync" | "parallel"): Promise<number> => {
    const numbers = Array.from({ length: count }, (_, i) => i);
    const envelopes =
      way === "sync"
        ? numbers.map((n) => addSync(n, 1))
        : await Promise.all(numbers.map((n) => addAsync(n, 1)));
    return envelopes.reduce((sum, { success, result }) => sum + (success ? result : Number.NaN), 0);
  },
);

import { task } from "@capsule-run/sdk";

const spin = task({ name: "spin", compute: "HIGH", timeout: "1s" }, async (): Promise<never> => {
  for (;;);
});

/** Starts endless loops, each of which meets its timeout. */
export const main = task({ name: "main" }, async (count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => spin()));
});

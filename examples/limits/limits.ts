/**
 * Runs into each limit there is, and goes on.
 *
 *     npx capsule run examples/limits/limits.ts
 *
 * The amounts are in `capsule.toml` beside this file; a task's own options would win over them.
 */
import { type TaskResult, task } from "@capsule-run/sdk";

const fuel = task({ name: "fuel" }, (): void => {
  while (true);
});
const memory = task({ name: "memory", compute: "MEDIUM" }, (): void => {
  const all: Uint8Array[] = [];
  while (true) all.push(new Uint8Array(1_000_000).fill(1));
});
const time = task({ name: "time", timeout: "200ms" }, async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
const stack = task({ name: "stack" }, (): number => {
  const again = (): number => again() + 1;
  return again();
});
const result = task({ name: "result" }, (): unknown => ({ far: Number.POSITIVE_INFINITY }));
const files = task({ name: "files" }, async (): Promise<string> => {
  const { readFile } = await import("node:fs/promises");
  return readFile("/etc/passwd", "utf8");
});
const hosts = task({ name: "hosts" }, async (): Promise<number> => (await fetch("http://localhost/")).status);
/** Each calls two more of itself: the run's budget of tasks ends that. */
const tasks = task({ name: "tasks", timeout: "20s" }, async (): Promise<string | null> => {
  const ends = await Promise.all([tasks(), tasks()]);
  for (const end of ends) {
    if (!end.success) return end.error.error_type;
    if (end.result) return end.result;
  }
  return null;
});

const endOf = ({ success, result, error }: TaskResult<unknown>): string =>
  success ? JSON.stringify(result) : `${error.error_type}: ${error.message.split("\n", 1)[0]}`;

export const main = task(
  { name: "main", timeout: "30s" },
  async (): Promise<Record<string, string>> => ({
    fuel: endOf(fuel()),
    memory: endOf(memory()),
    time: endOf(await time()),
    stack: endOf(stack()),
    result: endOf(result()),
    files: endOf(await files()),
    hosts: endOf(await hosts()),
    tasks: endOf(await tasks()),
  }),
);

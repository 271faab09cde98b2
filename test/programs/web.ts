// Runs each case in a task of its own.
import { task } from "@capsule-run/sdk";
import { asyncCases, cases } from "./web-cases.ts";

const one = task({ name: "one", compute: "HIGH" }, (name: string) => cases[name]?.());
const oneAsync = task(
  { name: "oneAsync", compute: "HIGH" },
  async (name: string) => await asyncCases[name]?.(),
);

export const main = task({ name: "main", compute: "HIGH" }, async () => {
  const rows: Record<string, unknown> = {};
  for (const name of Object.keys(cases)) rows[name] = one(name);
  for (const name of Object.keys(asyncCases)) rows[name] = await oneAsync(name);
  return rows;
});

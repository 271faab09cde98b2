// Runs each case in a task of its own, one after the other or all at once.
import { task } from "@capsule-run/sdk";
import { cases } from "./compute-cases.ts";

const one = task({ name: "one", compute: "HIGH" }, (name: string) => cases[name]?.());
const parallel = task({ name: "parallel", compute: "HIGH" }, async (name: string) => row(one(name)));
const row = ({ result, execution }: ReturnType<typeof one>) => ({
  result,
  fuel: execution.fuel_consumed,
  ram: execution.ram_used,
});

export const main = task({ name: "main", compute: "HIGH" }, async (how = "") => {
  const names = Object.keys(cases);
  if (how !== "parallel") return Object.fromEntries(names.map((name) => [name, row(one(name))]));
  const all = await Promise.all(names.map((name) => parallel(name)));
  return Object.fromEntries(all.map(({ result }, i) => [names[i], result]));
});

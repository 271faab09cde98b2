import { task } from "@capsule-run/sdk";

const add = task({ name: "add", compute: "LOW" }, (a: number, b: number): number => a + b);

const spin = task({ name: "spin", compute: "HIGH" }, async (rounds: number): Promise<number> => {
  let x = 1;
  for (let i = 0; i < rounds * 1e6; i++) x = (x * 31 + i) & 0xffffff;
  return x;
});

/** Says what it is told; or calls sub-tasks: small ones, or long ones one after the other or at once. */
export const main = task(
  { name: "main", compute: "HIGH" },
  async (what = "hello", first = "0", second = "0") => {
    if (what === "calls") {
      let sum = 0;
      for (let i = 0; i < Number(first); i++) sum += add(i, 1).result ?? 0;
      return sum;
    }
    const rounds = Number(second);
    const tasks = Array.from({ length: Number(first) }, (_, i) => i);
    if (what === "parallel") return (await Promise.all(tasks.map(() => spin(rounds)))).length;
    if (what === "sequential") for (const _ of tasks) await spin(rounds);
    return what;
  },
);

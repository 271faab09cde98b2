import { task } from "@capsule-run/sdk";

let calls = 0;
const kept: object[] = [];

export const main = task({ name: "main", compute: "HIGH" }, (n: number): number => {
  kept[calls % 1000] = { n, text: `call ${calls}` };
  return ++calls;
});

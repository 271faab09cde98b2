import { task } from "@capsule-run/sdk";

/** Says that it has begun, and never ends. */
export const main = task({ name: "main", compute: "9000000000000000" }, (): never => {
  console.log("spinning");
  for (;;);
});

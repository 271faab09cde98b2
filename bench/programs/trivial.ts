import { task } from "@capsule-run/sdk";

export const main = task({ name: "main", compute: "LOW" }, (n: number): number => n + 1);

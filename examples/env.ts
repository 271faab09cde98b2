/**
 * Reads environment variables: those that the task names, and no others.
 *
 *     GREETING=Hello npx capsule run examples/env.ts
 */
import { task } from "@capsule-run/sdk";

export const main = task({ name: "main", envVariables: ["GREETING", "NAME"] }, (): string => {
  const { GREETING = "Hi", NAME = "you" } = process.env;
  return `${GREETING}, ${NAME}! I can see ${Object.keys(process.env).join(", ") || "nothing"}.`;
});

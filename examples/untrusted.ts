/**
 * Runs code that a model wrote, each snippet in a sandbox of its own, and shows how each ended.
 *
 *     npx capsule run examples/untrusted.ts
 *
 * Whatever the code does, the caller goes on: a task that fails gives an envelope, never an exception.
 */
import { task } from "@capsule-run/sdk";

/** What a model may answer when it is asked for code. */
const SNIPPETS = {
  "a sum": "[12, 30].reduce((a, b) => a + b)",
  "a mistake": "customer.name.toUpperCase()",
  "an endless loop": "while (true) {}",
  "endless patience": "new Promise((resolve) => setTimeout(resolve, 60_000))",
  "endless appetite": "const all = []; while (true) all.push(new Uint8Array(1_000_000).fill(1))",
  "endless recursion": "(function again() { return again() + 1 })()",
  "a promise nobody keeps": "new Promise(() => {})",
  "no JSON": "10n ** 30n",
  "a way out": "require('node:fs').readFileSync('/etc/passwd', 'utf8')",
};

const evaluate = task(
  { name: "evaluate", compute: "LOW", ram: "32MB", timeout: "4s" },
  async (code: string): Promise<unknown> => {
    // biome-ignore lint/security/noGlobalEval: the sandbox around this task is what makes it safe
    return await globalThis.eval(code);
  },
);

export const main = task({ name: "main" }, async (): Promise<void> => {
  const rows = await Promise.all(
    Object.entries(SNIPPETS).map(async ([snippet, code]) => {
      const { success, result, error } = await evaluate(code);
      const [message] = success ? [JSON.stringify(result)] : error.message.split("\n");
      return {
        snippet,
        "ended with": success ? "success" : error.error_type,
        message: message?.slice(0, 60),
      };
    }),
  );
  console.table(rows);
});

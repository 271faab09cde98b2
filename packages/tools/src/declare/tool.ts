import { checkTool } from "./check.ts";
import type { DefineTool, Tool } from "./tool-types.ts";

/**
 * Makes a tool for `run({ tools })`: a function of the host that a program may call, with what is known of its input and
 * its output. Both are validated; the handler gets the input as its schema gives it.
 *
 * ```ts
 * const price = tool({
 *   description: "Price of an item.",
 *   input: z.object({ item: z.string(), currency: z.enum(["EUR", "USD"]).default("EUR") }),
 *   output: z.object({ amount: z.number() }),
 *   timeout: "10s",
 *   handler: async ({ item, currency }, { signal }) => ({ amount: await look(item, currency, signal) }),
 * });
 * ```
 * @throws UsageError `tool` for a definition that is none
 */
export const tool: DefineTool = (definition: unknown): Tool => {
  checkTool("tool", definition);
  return Object.freeze({ ...definition });
};

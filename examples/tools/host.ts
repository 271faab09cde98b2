/** Runs `agent.ts` with tools and a gate, and shows what a model would be told of the tools: `node examples/tools/host.ts` */
import { fileURLToPath } from "node:url";
import { describeTools, run, type Tools, tool } from "@capsule-run/sdk/runner";

const STOCK = new Map([
  ["green tea", 4.5],
  ["black tea", 3.25],
  ["coffee", 6],
]);

const text = { type: "string" };

const tools: Tools = {
  search: tool({
    description: "Items whose name holds the words.",
    parameters: ["words"],
    input: { type: "object", properties: { words: text }, required: ["words"] },
    output: { type: "array", items: { type: "object", properties: { item: text }, required: ["item"] } },
    handler: ({ words }: { words: string }) =>
      [...STOCK.keys()].filter((item) => item.includes(words)).map((item) => ({ item })),
  }),
  price: tool({
    description: "Price of an item, in euros.",
    input: { type: "object", properties: { item: text }, required: ["item"], additionalProperties: false },
    output: { type: "number" },
    handler: async ({ item }: { item: string }) => STOCK.get(item),
  }),
  buy: tool({
    description: "Orders an item.",
    input: {
      type: "object",
      properties: { item: text, count: { type: "integer", minimum: 1 } },
      required: ["item", "count"],
    },
    output: text,
    handler: ({ item, count }: { item: string; count: number }) => `ordered: ${count} × ${item}`,
  }),
};

// As "d.ts" it is the file tools.d.ts, by which the compiler checks agent.ts.
console.log(describeTools(tools, "typescript"));

const answer = await run({
  file: fileURLToPath(new URL("./agent.ts", import.meta.url)),
  args: ["tea"],
  tools,
  // Here a human could be asked.
  gate: ({ tool: name, input }) =>
    name === "buy" && (input as { count: number }).count > 10
      ? { decision: "deny", reason: "at most 10 at once" }
      : { decision: "allow" },
  onOutput: ({ text: printed }) => process.stdout.write(printed),
});
console.log(answer.success ? answer.result : answer.error.message);

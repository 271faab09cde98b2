/**
 * What a model might write when it is told of the tools in `host.ts`: it calls them as functions, several at once, goes on
 * with what came back, and says what it needs of it only. It has no files, hosts or variables. Its types are in `tools.d.ts`.
 */
import { ToolError, task, tools } from "@capsule-run/sdk";

export const main = task({ name: "main" }, async (query: string) => {
  const hits = await tools.search(query);
  const prices = await Promise.all(
    hits.map(async ({ item }) => ({ item, price: await tools.price({ item }) })),
  );
  const [cheapest] = prices.sort((a, b) => a.price - b.price);
  if (!cheapest) return { cheapest: null, order: null };
  try {
    await tools.buy({ item: cheapest.item, count: 100 });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    console.log(`${error.tool}: ${error.type}: ${error.message}`);
  }
  return { cheapest, order: await tools.buy({ item: cheapest.item, count: 1 }) };
});

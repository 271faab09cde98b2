/**
 * Stands in for a model: speaks the protocol of OpenAI's chat completions, and answers by rules.
 *
 *     node examples/agents/model.ts
 */
import { createServer } from "node:http";

const FACTS: Readonly<Record<string, string>> = {
  WebAssembly: "WebAssembly has a linear memory that a module can't leave.",
  fuel: "Fuel counts instructions, so the same program ends at the same point each time.",
  journals: "A journal lets a run go on where a crash ended it.",
};

interface Message {
  readonly role: string;
  readonly content: string;
}

function answer(messages: readonly Message[]): string {
  const [system = "", ...rest] = messages.map(({ content }) => content);
  const last = rest.at(-1) ?? "";
  if (system.includes("planner")) return JSON.stringify(Object.keys(FACTS));
  if (system.includes("researcher"))
    return FACTS[Object.keys(FACTS).find((topic) => last.includes(topic)) ?? ""] ?? "I do not know.";
  return `In short: ${rest.join(" ")}`;
}

createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const { model, messages } = JSON.parse(text) as { model: string; messages: readonly Message[] };
  response.writeHead(200, { "content-type": "application/json" });
  const message = { role: "assistant", content: answer(messages) };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  response.end(JSON.stringify({ id: "chatcmpl-1", object: "chat.completion", model, choices }));
}).listen(18789, "localhost", () => console.log("http://localhost:18789/v1/chat/completions"));

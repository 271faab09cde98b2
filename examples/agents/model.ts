/**
 * Stands in for a model: speaks the protocol of OpenAI's chat completions, and answers by rules.
 *
 *     node examples/agents/model.ts [PORT]
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const FACTS: Readonly<Record<string, string>> = {
  WebAssembly: "WebAssembly has a linear memory that a module can't leave.",
  fuel: "Fuel counts instructions, so the same program ends at the same point each time.",
  journals: "A journal lets a run go on where a crash ended it.",
};

/** What it has computed, if it is given a tool for it. */
const CODE: Readonly<Record<string, string>> = {
  execute_python: "sum(n * n for n in range(1, 11))",
  execute_javascript: "let sum = 0; for (let n = 1; n <= 10; n++) sum += n * n; sum",
};

interface Message {
  readonly role: string;
  readonly content: string;
}

interface Asked {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

function answer(messages: readonly Message[]): string {
  const [system = "", ...rest] = messages.map(({ content }) => content);
  const last = rest.at(-1) ?? "";
  if (system.includes("planner")) return JSON.stringify(Object.keys(FACTS));
  if (system.includes("researcher"))
    return FACTS[Object.keys(FACTS).find((topic) => last.includes(topic)) ?? ""] ?? "I do not know.";
  return `In short: ${rest.join(" ")}`;
}

/** What it says next: that a tool is to be called, as long as none was. */
function next({ messages, tools }: Asked): object {
  const name = tools?.[0]?.function.name ?? "";
  const last = messages.at(-1);
  if (!CODE[name]) return { role: "assistant", content: answer(messages) };
  if (last?.role === "tool") return { role: "assistant", content: `The tool says: ${last.content}` };
  const call = { name, arguments: JSON.stringify({ code: CODE[name] }) };
  return {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "call-1", type: "function", function: call }],
  };
}

const server = createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const asked = JSON.parse(text) as Asked;
  const { model } = asked;
  response.writeHead(200, { "content-type": "application/json" });
  const message = next(asked);
  const choices = [{ index: 0, message, finish_reason: "tool_calls" in message ? "tool_calls" : "stop" }];
  response.end(JSON.stringify({ id: "chatcmpl-1", object: "chat.completion", model, choices }));
});

server.listen(Number(process.argv[2] ?? 18789), "localhost", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`http://localhost:${port}/v1/chat/completions`);
});

/**
 * Three kinds of agents that work together: a planner divides the work, researchers do it side by side, and a writer
 * puts it together. Each is a task in a sandbox of its own; messages between them are arguments and results. The model
 * has to run: `node examples/agents/model.ts`.
 *
 *     npx capsule run examples/agents/agents.ts
 */
import { task } from "@capsule-run/sdk";

interface Message {
  readonly role: "system" | "user";
  readonly content: string;
}

const AGENT = { allowedHosts: ["localhost:18789"] };

async function ask(role: string, ...texts: readonly string[]): Promise<string> {
  const messages: Message[] = [
    { role: "system", content: `You are a ${role}.` },
    ...texts.map((content): Message => ({ role: "user", content })),
  ];
  const response = await fetch("http://localhost:18789/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "stand-in", messages }),
  });
  if (!response.ok) throw new Error(`the model answered ${response.status}`);
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return choices[0]?.message.content ?? "";
}

const plan = task(
  { name: "planner", ...AGENT },
  async (question: string) => JSON.parse(await ask("planner", question)) as string[],
);

const research = task({ name: "researcher", ...AGENT }, (topic: string) =>
  ask("researcher", `Tell me about ${topic}.`),
);

const write = task({ name: "writer", ...AGENT }, (findings: readonly string[]) => ask("writer", ...findings));

export const main = task({ name: "main" }, async (question = "How does a sandbox work?") => {
  const topics = await plan(question);
  if (!topics.success) throw new Error(`the planner failed: ${topics.error.message}`);
  const findings = await Promise.all(topics.result.map((topic) => research(topic)));
  // A researcher that fails is one finding less.
  const found = findings.flatMap((each) => (each.success ? [each.result] : []));
  const report = await write(found);
  if (!report.success) throw new Error(`the writer failed: ${report.error.message}`);
  return report.result;
});

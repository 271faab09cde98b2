/**
 * An agent of the OpenAI Agents SDK that runs JavaScript in a sandbox to find its answer. Its session stays from call to
 * call. A stand-in for the model has to run: `node examples/agents/model.ts`.
 *
 *     npm run pack && cd examples/openai-agents && npm install --no-save ../../dist/*.tgz && node analyst.ts
 */
import { Session } from "@capsule-run/adapter";
import { executeJavaScriptTool } from "@capsule-run/adapter/openai-agents";
import { Agent, OpenAIProvider, Runner } from "@openai/agents";

const baseURL = process.env.MODEL_URL ?? "http://localhost:18789/v1";
const modelProvider = new OpenAIProvider({ apiKey: "none", baseURL, useResponses: false });
const runner = new Runner({ modelProvider, tracingDisabled: true });

await using session = new Session("javascript", { limits: { timeout: "10s" } });
const agent = new Agent({
  name: "Analyst",
  model: "stand-in",
  instructions: "Use the tool for all that has to be computed.",
  tools: [executeJavaScriptTool({ session, needsApproval: async (_, { code }) => code.includes("process") })],
});

const result = await runner.run(agent, "What is the sum of the squares of the numbers from 1 to 10?");
console.log(result.finalOutput);

/**
 * A model with the Vercel AI SDK that runs Python in a sandbox to find its answer. A stand-in for the model has to run:
 * `node examples/agents/model.ts`.
 *
 *     npm run pack && cd examples/ai-sdk && npm install --no-save ../../dist/*.tgz && node analyst.ts
 */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { executePythonTool } from "@capsule-run/adapter/ai-sdk";
import { generateText, stepCountIs } from "ai";

const baseURL = process.env.MODEL_URL ?? "http://localhost:18789/v1";
const models = createOpenAICompatible({ name: "stand-in", baseURL, apiKey: "none" });

const { text, steps } = await generateText({
  model: models("stand-in"),
  prompt: "What is the sum of the squares of the numbers from 1 to 10?",
  tools: { execute_python: executePythonTool({ limits: { timeout: "10s" } }) },
  stopWhen: stepCountIs(3),
});

for (const { toolCalls } of steps)
  for (const { input } of toolCalls) console.log("ran:", JSON.stringify(input));
console.log(text);

/** Tools for the frameworks of others: their own types take them, and their agents call them. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import aiSdk from "../examples/ai-sdk/package.json" with { type: "json" };
import openaiAgents from "../examples/openai-agents/package.json" with { type: "json" };
import { folder, start } from "./support/capsule.ts";
import { installed } from "./support/packages.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const { "@capsule-run/adapter": _, ...versions } = { ...aiSdk.dependencies, ...openaiAgents.dependencies };
const packages = installed(versions);
const skip = packages === null && "npm can't install the packages";

const TYPES = `
import { Session } from "@capsule-run/adapter";
import * as ai from "@capsule-run/adapter/ai-sdk";
import * as agents from "@capsule-run/adapter/openai-agents";
import { Agent, type Tool as AgentTool } from "@openai/agents";
import { tool, type Tool, type ToolSet } from "ai";

export const tools = { a: ai.executePythonTool(), b: ai.executeJavaScriptTool({ session: new Session("javascript") }) } satisfies ToolSet;
export const one: Tool<{ readonly code: string }, ai.CodeResult> = tools.a;
export const two = tool(ai.executePythonTool({ hosts: ["a.example"], maxText: 500 }));
// @ts-expect-error there is no such option
ai.executePythonTool({ host: [] });
export const three: AgentTool = agents.executePythonTool({ name: "py", needsApproval: true });
export const five: Tool<{ readonly code: string }, ai.CodeResult> = ai.executeJavaScriptTool({ maxImages: 1, exportTo: "out" });
export const four = new Agent({ name: "a", tools: [three, agents.executeJavaScriptTool()] });
`;

/** The image that the code below shows. */
const PNG = "iVBORw0KGgoA";
/** What stands in for a model here notes what it is given. */
const IMAGES = `
import * as ai from "@capsule-run/adapter/ai-sdk";
import * as openai from "@capsule-run/adapter/openai-agents";
import { Agent, type Model, type ModelRequest, type ModelResponse, Runner, Usage } from "@openai/agents";
import { generateText, stepCountIs } from "ai";
import { MockLanguageModelV4 } from "ai/test";

const code = "display({ 'image/png': new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]) }); 5";
const input = JSON.stringify({ code });

const text = { content: [{ type: "text" as const, text: "done" }], finishReason: { unified: "stop" as const, raw: "stop" } };
const call = {
  content: [{ type: "tool-call" as const, toolCallId: "1", toolName: "show", input }],
  finishReason: { unified: "tool-calls" as const, raw: "tool" },
};
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const mock = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => ({ ...(prompt.at(-1)?.role === "tool" ? text : call), usage, warnings: [] }),
});
const tools = { show: ai.executeJavaScriptTool({ maxImages: 1 }) };
await generateText({ model: mock, prompt: "show", tools, stopWhen: stepCountIs(3) });
console.log(JSON.stringify(mock.doGenerateCalls.at(-1)?.prompt.at(-1)?.content));

const model: Model = {
  async getResponse({ input: items }: ModelRequest): Promise<ModelResponse> {
    const last = Array.isArray(items) ? items.at(-1) : undefined;
    if (last?.type !== "function_call_result")
      return {
        usage: new Usage(),
        output: [{ type: "function_call", callId: "1", name: "show", status: "completed", arguments: input }],
      };
    console.log(JSON.stringify(last.output));
    const content = [{ type: "output_text" as const, text: "done" }];
    return { usage: new Usage(), output: [{ type: "message", role: "assistant", status: "completed", content }] };
  },
  async *getStreamedResponse() {},
};
const agent = new Agent({ name: "a", model, tools: [openai.executeJavaScriptTool({ name: "show", maxImages: 1 })] });
await new Runner({ tracingDisabled: true }).run(agent, "show");
`;

/** A project that has the packages and the adapter as npm would put it there. */
let project = "";
let model: ChildProcess | undefined;
let address = "";
before(async () => {
  if (packages === null) return;
  project = folder({ "types.ts": TYPES, "images.ts": IMAGES }, packages);
  const adapter = join(project, "node_modules/@capsule-run/adapter");
  for (const part of ["package.json", "dist"])
    cpSync(join(ROOT, "packages/adapter", part), join(adapter, part), { recursive: true });
  for (const name of ["ai-sdk", "openai-agents"])
    cpSync(join(ROOT, `examples/${name}/analyst.ts`), join(project, `${name}.ts`));
  // The source, too: what it says of a framework that it is built without has to be so.
  const source = join(ROOT, "packages/adapter/src");
  const isSource = (file: string): boolean =>
    file === source || (file.endsWith(".ts") && !/\.(test|d)\.ts$/.test(file));
  cpSync(source, join(project, "source"), { recursive: true, filter: isSource });
  const options = {
    ...{ target: "esnext", lib: ["esnext", "dom"], module: "nodenext", strict: true, skipLibCheck: true },
    ...{
      exactOptionalPropertyTypes: true,
      rewriteRelativeImportExtensions: true,
      rootDir: ".",
      outDir: "js",
    },
    ...{ types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] },
  };
  const files = [
    "types.ts",
    "images.ts",
    "ai-sdk.ts",
    "openai-agents.ts",
    "source/ai-sdk.ts",
    "source/openai-agents.ts",
  ];
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  const stdio = ["ignore", "pipe", "inherit"] as const;
  model = spawn(process.execPath, [join(ROOT, "examples/agents/model.ts"), "0"], { stdio: [...stdio] });
  const [said] = (await once(model.stdout as NonNullable<typeof model.stdout>, "data")) as [Buffer];
  address = said.toString().replace("/chat/completions\n", "");
});
after(() => void model?.kill());

const run = async (file: string): Promise<string> => {
  const { code, stdout, stderr } = await start(process.execPath, [file], {
    cwd: project,
    extra: { MODEL_URL: address },
  }).ended;
  assert.equal(code, 0, stderr);
  return stdout;
};

describe("a framework", { skip }, () => {
  test("types: what is published is what the frameworks take", async () => {
    const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
    const { code, stdout } = await start(process.execPath, [join(compiler, "bin/tsc"), "-p", project]).ended;
    assert.equal(code, 0, stdout);
  });

  test("both: images that the code shows reach the model as images", async () => {
    const [aiSdkSaw, agentsSaw] = (await run("js/images.js"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const said = { type: "text", text: '{"output":"5"}' };
    const [{ output }] = aiSdkSaw;
    const [first, image] = output.value;
    assert.deepEqual([output.type, first], ["content", said]);
    assert.deepEqual(
      [image.type, image.mediaType, image.data],
      ["file", "image/png", { type: "data", data: PNG }],
    );
    const [text, shown] = agentsSaw;
    assert.deepEqual([text.type, text.text], ["input_text", said.text]);
    assert.deepEqual([shown.type, shown.image], ["input_image", `data:image/png;base64,${PNG}`]);
  });

  test("Vercel AI SDK: the model's code runs, and the model gets what came of it", async () => {
    assert.equal(
      await run("js/ai-sdk.js"),
      'ran: {"code":"sum(n * n for n in range(1, 11))"}\nThe tool says: {"output":"385"}\n',
    );
  });

  test("OpenAI Agents SDK: the agent's code runs in a session, and it gets what came of it", async () => {
    assert.equal(await run("js/openai-agents.js"), 'The tool says: {"output":"385"}\n');
  });
});

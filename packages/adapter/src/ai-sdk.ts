/**
 * `@capsule-run/adapter/ai-sdk`: tools for the Vercel AI SDK, version 6 or newer, with which a model runs code.
 *
 * ```ts
 * import { executePythonTool } from "@capsule-run/adapter/ai-sdk";
 * import { generateText } from "ai";
 *
 * await generateText({ model, prompt, tools: { execute_python: executePythonTool({ limits: { timeout: "10s" } }) } });
 * ```
 */
import type { CodeInput, CodeSchema } from "./code-schema.ts";
import { type CodeResult, type CodeToolOptions, codeTool } from "./code-tool.ts";
import type { Language } from "./types.ts";

export type { CodeInput, CodeSchema } from "./code-schema.ts";
export type { CodeResult } from "./code-tool.ts";

/** Options of a tool. Its name is the key it stands under in `tools`. */
export type AiSdkToolOptions = Omit<CodeToolOptions, "name">;

/** What `tool()` of the AI SDK makes of a description, a schema and a function: a plain object. */
export interface AiSdkTool {
  readonly description: string;
  readonly inputSchema: CodeSchema;
  /** What the code did wrong is in the result, for the model to mend. */
  execute(input: CodeInput, options: { readonly abortSignal?: AbortSignal | undefined }): Promise<CodeResult>;
}

function toolFor(language: Language, options: AiSdkToolOptions): AiSdkTool {
  const { description, schema, run } = codeTool(language, options);
  return { description, inputSchema: schema, execute: (input, { abortSignal }) => run(input, abortSignal) };
}

/**
 * A tool that runs Python code in a sandbox.
 * @throws UsageError for wrong options
 */
export const executePythonTool = (options: AiSdkToolOptions = {}): AiSdkTool => toolFor("python", options);

/**
 * A tool that runs JavaScript code in a sandbox.
 * @throws UsageError for wrong options
 */
export const executeJavaScriptTool = (options: AiSdkToolOptions = {}): AiSdkTool =>
  toolFor("javascript", options);

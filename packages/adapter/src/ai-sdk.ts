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
import { type CodeResult, partsOf } from "./code-result.ts";
import type { CodeInput, CodeSchema } from "./code-schema.ts";
import { type CodeToolOptions, codeTool } from "./code-tool.ts";
import type { Language } from "./types.ts";

export type { CodeImage, CodeResult } from "./code-result.ts";
export type { CodeInput, CodeSchema } from "./code-schema.ts";

/** Options of a tool. Its name is the key it stands under in `tools`. */
export type AiSdkToolOptions = Omit<CodeToolOptions, "name">;

/** What `tool()` of the AI SDK makes of a description, a schema and a function: a plain object. */
export interface AiSdkTool {
  readonly description: string;
  readonly inputSchema: CodeSchema;
  /** What the code did wrong is in the result, for the model to mend. */
  execute(input: CodeInput, options: { readonly abortSignal?: AbortSignal | undefined }): Promise<CodeResult>;
  /** Where images are asked for: parts for the model, of a result whose images would be text otherwise. */
  readonly toModelOutput?: (options: { readonly output: CodeResult }) => AiSdkContent;
}

/** Parts of a result that a model gets. */
export interface AiSdkContent {
  type: "content";
  /** Of the shapes for images that there are, version 6 and 7 both know this one. */
  value: ({ type: "text"; text: string } | { type: "image-data"; data: string; mediaType: string })[];
}

function toModelOutput({ output }: { readonly output: CodeResult }): AiSdkContent {
  const { text, images } = partsOf(output);
  const shown = images.map(({ data, mediaType }) => ({ type: "image-data" as const, data, mediaType }));
  return { type: "content", value: [{ type: "text", text }, ...shown] };
}

function toolFor(language: Language, options: AiSdkToolOptions): AiSdkTool {
  const { description, schema, run } = codeTool(language, options);
  return {
    ...{ description, inputSchema: schema, execute: (input, { abortSignal }) => run(input, abortSignal) },
    ...((options.maxImages ?? 0) > 0 && { toModelOutput }),
  };
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

/**
 * `@capsule-run/adapter/openai-agents`: tools for the OpenAI Agents SDK with which an agent runs code.
 *
 * ```ts
 * import { executePythonTool } from "@capsule-run/adapter/openai-agents";
 * import { Agent } from "@openai/agents";
 *
 * const agent = new Agent({ name: "Analyst", tools: [executePythonTool({ limits: { timeout: "10s" } })] });
 * ```
 */
import { type FunctionTool, tool } from "@openai/agents";
import { type CodeResult, partsOf } from "./code-result.ts";
import type { CodeInput, CodeSchema } from "./code-schema.ts";
import { type CodeToolOptions, codeTool } from "./code-tool.ts";
import type { Language } from "./types.ts";

export type { CodeImage, CodeResult } from "./code-result.ts";
export type { CodeInput, CodeSchema } from "./code-schema.ts";

/** Options of a tool. */
export interface OpenAiToolOptions extends CodeToolOptions {
  /** Whether a person has to approve a call, or a function that decides. Default: false. */
  readonly needsApproval?: boolean | ((context: unknown, input: CodeInput) => Promise<boolean>) | undefined;
}

/** A result with images: the rest of it as JSON text, then the images, as URLs of their data. */
export type CodeParts = readonly (
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: string }
)[];

/** What the code did wrong is in the result, for the agent to mend. */
export type OpenAiTool = FunctionTool<unknown, CodeSchema, CodeResult | CodeParts>;

function given(result: CodeResult): CodeResult | CodeParts {
  const { text, images } = partsOf(result);
  if (images.length === 0) return result;
  const shown = images.map(({ mediaType, data }) => ({
    ...({ type: "image", image: `data:${mediaType};base64,${data}` } as const),
  }));
  return [{ type: "text", text }, ...shown];
}

function toolFor(language: Language, { needsApproval = false, ...options }: OpenAiToolOptions): OpenAiTool {
  const { name, description, schema, run } = codeTool(language, options);
  return tool({
    name,
    description,
    parameters: schema,
    needsApproval,
    execute: async (input: CodeInput, _context?: unknown, details?: { readonly signal?: AbortSignal }) =>
      given(await run(input, details?.signal)),
  });
}

/**
 * A tool that runs Python code in a sandbox.
 * @throws UsageError for wrong options
 */
export const executePythonTool = (options: OpenAiToolOptions = {}): OpenAiTool => toolFor("python", options);

/**
 * A tool that runs JavaScript code in a sandbox.
 * @throws UsageError for wrong options
 */
export const executeJavaScriptTool = (options: OpenAiToolOptions = {}): OpenAiTool =>
  toolFor("javascript", options);

import { isUsageError } from "@capsule-run/protocol";
import type { CallToolResult } from "@modelcontextprotocol/server";

/** What a model can mend: the answer of a tool that says so. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
}

/** Text as an answer that says that the call failed. */
export const failed = (text: string): CallToolResult => ({
  content: [{ type: "text", text }],
  isError: true,
});

/** The words of an exception for the client; null for one that is a mistake of ours. */
export function wordsOf(error: unknown): string | null {
  if (error instanceof ToolFailure) return error.message;
  return isUsageError(error) ? error.text : null;
}

import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { escaped } from "../format.ts";

// What a terminal acts on: C0 but line breaks and tabs, DEL, C1. What only changes how letters join stays: texts need it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
const CONTROL = /\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** Text of code, of its files and about them, for a model to read: many clients print it on a terminal as it is. */
export const shownText = (text: string): string => text.replace(CONTROL, escaped);

const shownBlock = (block: ContentBlock): ContentBlock =>
  block.type === "text" ? { ...block, text: shownText(block.text) } : block;

/** An answer whose text can be printed. Its structure has everything as it is: in JSON that is escaped anyway. */
export const shownResult = (result: CallToolResult): CallToolResult => ({
  ...result,
  content: result.content.map(shownBlock),
});

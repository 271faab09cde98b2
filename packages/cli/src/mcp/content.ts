import { isUtf8 } from "node:buffer";
import { extname } from "node:path";
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { bytes } from "../format.ts";
import { ToolFailure } from "./failure.ts";
import { MCP_LIMITS } from "./limits.ts";
import { isImageType } from "./schemas.ts";

const MAGIC: readonly (readonly [type: string, at: number, bytes: string])[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF8"],
  ["image/webp", 8, "WEBP"],
  ["application/pdf", 0, "%PDF-"],
  ["application/zip", 0, "PK\x03\x04"],
];

const TEXT_TYPES: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".md": "text/markdown",
  ".py": "text/x-python",
  ".svg": "image/svg+xml",
  ".xml": "application/xml",
};

/** What a file is: an image or an archive by how it begins, text by its bytes. */
export function mediaType(path: string, data: Uint8Array): { type: string; text: boolean } {
  const head = Buffer.from(data.subarray(0, 32)).toString("latin1");
  const known = MAGIC.find(([, at, magic]) => head.startsWith(magic, at));
  if (known) return { type: known[0], text: false };
  if (data.includes(0) || !isUtf8(data)) return { type: "application/octet-stream", text: false };
  return { type: TEXT_TYPES[extname(path).toLowerCase()] ?? "text/plain", text: true };
}

/** An image as content, if it is one that clients show and small enough. */
export function imageContent(path: string, data: Uint8Array) {
  const { type } = mediaType(path, data);
  if (!isImageType(type) || data.length > MCP_LIMITS.imageBytes) return null;
  return { type: "image", data: Buffer.from(data).toString("base64"), mimeType: type } as const;
}

/** What image base64 is, by how it begins, whatever was said of it; null: none that clients show. */
export function shownAs(base64: string): string | null {
  const { type } = mediaType("", Buffer.from(base64.slice(0, 64), "base64"));
  return isImageType(type) ? type : null;
}

function readText(path: string, size: number, type: string, text: string, offset: number): CallToolResult {
  let end = Math.min(text.length, offset + MCP_LIMITS.readCharacters);
  // A character of two units goes to the next part whole.
  if (end < text.length && /[\udc00-\udfff]/.test(text[end] as string)) end--;
  const part = text.slice(offset, end);
  const next = end < text.length ? end : null;
  const content: ContentBlock[] = [{ type: "text", text: part }];
  if (next !== null)
    content.push({
      type: "text",
      text: `[${next} of ${text.length} characters; read on with offset ${next}]`,
    });
  const answer = { path, size, media_type: type, encoding: "text", text: part, next_offset: next };
  return { content, structuredContent: answer };
}

function readBinary(id: string, path: string, type: string, data: Uint8Array): CallToolResult {
  if (data.length > MCP_LIMITS.imageBytes)
    throw new ToolFailure(
      `${path} is no text and has ${bytes(data.length)}, more than the ${bytes(MCP_LIMITS.imageBytes)} that an answer may hold: look at it with code`,
    );
  const blob = Buffer.from(data).toString("base64");
  const uri = `capsule://${id}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const block: ContentBlock = isImageType(type)
    ? { type: "image", data: blob, mimeType: type }
    : { type: "resource", resource: { uri, mimeType: type, blob } };
  const answer = {
    path,
    size: data.length,
    media_type: type,
    encoding: "base64",
    text: null,
    next_offset: null,
  };
  return {
    content: [{ type: "text", text: `${path}: ${type}, ${bytes(data.length)}` }, block],
    structuredContent: answer,
  };
}

/** The answer that shows a file. */
export function fileResult(id: string, path: string, data: Uint8Array, offset: number): CallToolResult {
  const { type, text } = mediaType(path, data);
  if (!text) return readBinary(id, path, type, data);
  return readText(path, data.length, type, Buffer.from(data).toString("utf8"), offset);
}

/**
 * The bytes that `write_file` was given.
 * @throws ToolFailure if it is no base64, or too long
 */
export function contentBytes(content: string, encoding: "text" | "base64"): Uint8Array {
  if (encoding === "base64" && !/^[A-Za-z0-9+/_-]*={0,2}$/.test(content.replace(/\s/g, "")))
    throw new ToolFailure("content is no base64");
  const data = Buffer.from(content, encoding === "text" ? "utf8" : "base64");
  if (data.length > MCP_LIMITS.writeBytes)
    throw new ToolFailure(
      `the file has ${bytes(data.length)}; at most ${bytes(MCP_LIMITS.writeBytes)} can be written`,
    );
  return data;
}

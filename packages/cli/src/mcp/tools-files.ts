import type { McpServer } from "@modelcontextprotocol/server";
import { bytes, oneLine, plural } from "../format.ts";
import { contentBytes, fileResult } from "./content.ts";
import type { Desk } from "./desk.ts";
import { listing } from "./execution.ts";
import { MCP_LIMITS } from "./limits.ts";
import { listInput, OUTPUTS, readInput, writeInput } from "./schemas.ts";

function addWrite(server: McpServer, desk: Desk): void {
  server.registerTool(
    "write_file",
    {
      title: "Write a file into a session",
      description: `Writes a file into a session's workspace, where its code finds it as workspace/PATH; folders are made, a file that is there is overwritten. At most ${bytes(MCP_LIMITS.writeBytes)}.`,
      inputSchema: writeInput,
      outputSchema: OUTPUTS.written,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ session_id, path, content, encoding }, context) =>
      desk.answer(context, () =>
        desk.sessions.use(session_id, async (session) => {
          const file = await session.writeFile(path, contentBytes(content, encoding));
          return {
            content: [{ type: "text", text: `wrote ${file.path} (${bytes(file.size)})` }],
            structuredContent: { path: file.path, size: file.size },
          };
        }),
      ),
  );
}

function addRead(server: McpServer, desk: Desk): void {
  server.registerTool(
    "read_file",
    {
      title: "Read a file of a session",
      description: `Reads a file of a session's workspace: text, ${MCP_LIMITS.readCharacters} characters at a time; images as images; other files as base64, at most ${bytes(MCP_LIMITS.imageBytes)}.`,
      inputSchema: readInput,
      outputSchema: OUTPUTS.read,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    ({ session_id, path, offset }, context) =>
      desk.answer(context, () =>
        desk.sessions.use(session_id, async (session) => {
          const data = await session.readFile(path, MCP_LIMITS.readBytes);
          return fileResult(session_id, path, data, offset);
        }),
      ),
  );
}

function addList(server: McpServer, desk: Desk): void {
  server.registerTool(
    "list_files",
    {
      title: "List the files of a session",
      description: `Lists the files in a session's workspace, or in a folder of it, with their sizes: the first ${MCP_LIMITS.files}.`,
      inputSchema: listInput,
      outputSchema: OUTPUTS.files,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    ({ session_id, path }, context) =>
      desk.answer(context, () =>
        desk.sessions.use(session_id, async (session) => {
          const all = await session.listFiles(path === "" ? undefined : path);
          const files = listing(all);
          const lines = files.map((file) => `${oneLine(file.path)} (${bytes(file.size)})`);
          if (files.length < all.length) lines.push(`[${files.length} of ${plural(all.length, "file")}]`);
          return {
            content: [{ type: "text", text: lines.join("\n") || "no files" }],
            structuredContent: { files, total: all.length },
          };
        }),
      ),
  );
}

/** `write_file`, `read_file`, `list_files`. */
export function addFileTools(server: McpServer, desk: Desk): void {
  addWrite(server, desk);
  addRead(server, desk);
  addList(server, desk);
}

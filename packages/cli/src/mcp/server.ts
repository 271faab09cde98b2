import { McpServer } from "@modelcontextprotocol/server";
import { VERSION } from "../version.ts";
import type { Desk } from "./desk.ts";
import { addExecuteTools } from "./tools-execute.ts";
import { addFileTools } from "./tools-files.ts";
import { addSessionTools } from "./tools-sessions.ts";
import { instructions } from "./words.ts";

/** A server with all tools; the state is the desk's, so that a connection may have several one after the other. */
export function createServer(desk: Desk): McpServer {
  const server = new McpServer(
    { name: "capsule", title: "Capsule", version: VERSION },
    { capabilities: { tools: { listChanged: false } }, instructions: instructions(desk.settings) },
  );
  addExecuteTools(server, desk);
  addSessionTools(server, desk);
  addFileTools(server, desk);
  return server;
}

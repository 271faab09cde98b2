export { openRemoteTools, openTools, type RemoteTool, type ToolsRequest } from "./open.ts";

import { fstatSync } from "node:fs";

/** Whether stdin is a FIFO or a socket, as it is for what an MCP client starts. */
export function stdinIsConnection(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isSocket();
  } catch {
    return false;
  }
}

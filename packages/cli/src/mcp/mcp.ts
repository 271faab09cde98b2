import { aborted } from "@capsule-run/protocol";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Context } from "../context.ts";
import { manyLines } from "../format.ts";
import type { Invocation } from "../options.ts";
import { Desk } from "./desk.ts";
import { MCP_LIMITS } from "./limits.ts";
import { awaitClient } from "./opening.ts";
import { createServer } from "./server.ts";
import { type McpSettings, readSettings } from "./settings.ts";
import { LineTransport } from "./transport.ts";
import { limitWords } from "./words.ts";

/** Serves a client until it closes its end, which is exit code 0, or a signal comes. */
async function serve(
  context: Context,
  settings: McpSettings,
  pieces: AsyncIterable<Uint8Array>,
): Promise<number> {
  const { output, interruption } = context;
  const { stdout, stderr } = output;
  const log = (text: string): void => stderr.write(`capsule mcp: ${manyLines(text)}\n`);
  const desk = new Desk({
    settings,
    log,
    isFull: () => stdout.unread > MCP_LIMITS.unreadProgressBytes,
    createCodeRuntime: async (options) => (await import("@capsule-run/code")).createCodeRuntime(options),
  });
  const transport = new LineTransport({ pieces, sink: stdout, log });
  const handle = serveStdio(() => createServer(desk), {
    transport,
    onerror: (error) => log(error.message),
  });
  log(
    `serving on stdin and stdout; a call has ${limitWords(settings)}; hosts: ${settings.hosts.join(", ") || "none"}`,
  );
  await Promise.race([transport.ended, aborted(interruption.signal)]);
  // Whatever hangs does not keep the server alive.
  setTimeout(() => process.exit(interruption.exitCode ?? 0), MCP_LIMITS.closeMs);
  await desk.close();
  await handle.close();
  return interruption.exitCode ?? 0;
}

/** `capsule mcp`. */
export async function mcp(
  command: Extract<Invocation, { kind: "command" }>,
  context: Context,
): Promise<number> {
  const settings = readSettings(command.values, command.lists.get("--allow-host") ?? [], process.env);
  return serve(context, settings, process.stdin);
}

/**
 * `capsule run` with nothing to run: serves MCP if a client says so on stdin; null if none does.
 * @throws UsageError for wrong variables of the environment, once there is a client
 */
export async function serveIfAsked(context: Context): Promise<number | null> {
  const pieces = await awaitClient(process.stdin);
  if (pieces === null) return null;
  return serve(context, readSettings(new Map(), [], process.env), pieces);
}

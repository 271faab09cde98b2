import { aborted } from "@capsule-run/protocol";
import type { Context } from "../context.ts";
import { readLines } from "../lines.ts";
import { VERSION } from "../version.ts";
import { Conversation } from "./conversation.ts";
import { WORKER_LIMITS } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { isUrgent, readIncoming } from "./protocol.ts";

/** Takes the client's lines until it says `close` or its end closes. */
async function listen(conversation: Conversation, outbox: Outbox): Promise<void> {
  try {
    for await (const line of readLines(process.stdin, WORKER_LIMITS.lineBytes)) {
      const incoming = readIncoming(line);
      if (!isUrgent(incoming)) await outbox.room();
      if (!conversation.take(incoming)) return;
    }
  } catch (error) {
    // A client that died may reset its socket: that is an end like any other.
    if ((error as { code?: string }).code === undefined) throw error;
  }
}

/**
 * `capsule worker`: serves a client over stdin and stdout until it closes one of them or says so, which is exit code 0,
 * or a signal comes.
 */
export async function worker(context: Context): Promise<number> {
  const { cwd, output, interruption } = context;
  const outbox = new Outbox(output.stdout);
  const conversation = new Conversation({
    ...{ outbox, version: VERSION, cwd },
    createRuntime: async (options) => (await import("../runtime.ts")).createRuntime(options),
    createCodeRuntime: async (options) => (await import("../runtime.ts")).createCodeRuntime(options),
    openTools: async (tools, perform) => (await import("../runtime.ts")).openRemoteTools(tools, perform),
  });
  await Promise.race([listen(conversation, outbox), aborted(interruption.signal)]);
  await conversation.close();
  // Whoever reads no more does not keep the worker alive.
  setTimeout(() => process.exit(interruption.exitCode ?? 0), WORKER_LIMITS.closeMs);
  return interruption.exitCode ?? 0;
}

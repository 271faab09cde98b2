import { cutText } from "@capsule-run/protocol";
import type { Gate, GateCall, GateDecision } from "../declare/index.ts";
import { Refusal } from "./problem.ts";

const MOST_REASON = 2000;

/** What a gate gave in place of the program's values; null: nothing. */
export type Changed = { readonly args: readonly unknown[] } | { readonly input: unknown } | null;

/**
 * Asks a gate about a call. One that fails, or says nothing that is a decision, denies.
 * @param report hears of such a gate
 * @throws Refusal `Denied`; or why nobody waits any more
 */
export async function askGate(
  gate: Gate,
  call: GateCall,
  report: (message: string) => void,
): Promise<Changed> {
  const denied = (reason?: string): Refusal =>
    new Refusal(
      "Denied",
      `the tool ${call.tool} was denied${reason ? `: ${cutText(reason, MOST_REASON)}` : ""}`,
    );
  let decided: GateDecision;
  try {
    decided = await gate(call);
  } catch (error) {
    if (!call.signal.aborted)
      report(`the gate failed at a call of the tool ${call.tool}, which was denied: ${said(error)}`);
    throw denied();
  }
  const { decision, reason, args, input } = (decided ?? {}) as {
    readonly decision?: unknown;
    readonly reason?: unknown;
    readonly args?: unknown;
    readonly input?: unknown;
  };
  if (decision === "deny") throw denied(typeof reason === "string" ? reason : undefined);
  const wrong = decision !== "allow" || (args !== undefined && (!Array.isArray(args) || input !== undefined));
  if (wrong) {
    report(
      `the gate gave no decision for a call of the tool ${call.tool}, which was denied; allowed: { decision: "allow" }, with args or input, or { decision: "deny" }`,
    );
    throw denied();
  }
  if (args !== undefined) return { args: args as readonly unknown[] };
  return input === undefined ? null : { input };
}

function said(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "an exception";
  }
}

import type { CodeOutput } from "@capsule-run/code";
import type { ServerContext } from "@modelcontextprotocol/server";
import { duration } from "../format.ts";
import { tailOf } from "./cut.ts";
import { MCP_LIMITS } from "./limits.ts";
import { shownText } from "./shown.ts";

/** Tells a client how a call goes on, if it asked for that. */
export interface Reporter extends Disposable {
  /** Printed text: whole lines are told. */
  output(output: CodeOutput): void;
  /** Something else, such as what it waits for. */
  say(text: string): void;
}

const SILENT: Reporter = { output: () => {}, say: () => {}, [Symbol.dispose]: () => {} };

export interface ReporterOptions {
  readonly send: (progress: number, message: string) => void;
  readonly progressMs: number;
  readonly stillMs: number;
}

/**
 * Tells lines as they come; those that come soon after are gathered: of many, the last ones. When nothing is printed for a while it says
 * that the call goes on, so that clients with a time limit for silence wait.
 */
function createReporter({ send, progressMs, stillMs }: ReporterOptions): Reporter {
  const began = performance.now();
  const rests = { stdout: "", stderr: "" };
  let gathered = "";
  let count = 0;
  let timer: NodeJS.Timeout | null = null;
  let told = -progressMs;
  const tell = (message: string): void => send(++count, message);
  const still = setInterval(
    () => tell(`running for ${duration(Math.round((performance.now() - began) / 1000) * 1000)}`),
    stillMs,
  ).unref();
  const flush = (): void => {
    timer = null;
    told = performance.now();
    tell(gathered.trimEnd());
    gathered = "";
    still.refresh();
  };
  const add = (text: string): void => {
    gathered = tailOf(gathered + text, MCP_LIMITS.progressCharacters);
    if (timer !== null) return;
    const since = performance.now() - told;
    if (since >= progressMs) flush();
    else timer = setTimeout(flush, progressMs - since).unref();
  };
  return {
    output({ stream, text }) {
      const end = text.lastIndexOf("\n");
      if (end < 0) rests[stream] = tailOf(rests[stream] + text, MCP_LIMITS.progressCharacters);
      else {
        add(rests[stream] + text.slice(0, end + 1));
        rests[stream] = tailOf(text.slice(end + 1), MCP_LIMITS.progressCharacters);
      }
    },
    say: (text) => add(`${text}\n`),
    [Symbol.dispose]() {
      clearInterval(still);
      if (timer) clearTimeout(timer);
      // What stands in the answer is not told once more.
      gathered = "";
    },
  };
}

/** The reporter of a call. `isFull` says whether the client reads too little. */
export function reporterFor(context: ServerContext, isFull: () => boolean): Reporter {
  const { _meta, signal, notify } = context.mcpReq;
  const token = _meta?.progressToken;
  if (token === undefined) return SILENT;
  const send = (progress: number, message: string): void => {
    if (signal.aborted || isFull()) return;
    const params = { progressToken: token, progress, message: shownText(message) };
    notify({ method: "notifications/progress", params }).catch(() => {});
  };
  return createReporter({ send, progressMs: MCP_LIMITS.progressMs, stillMs: MCP_LIMITS.stillMs });
}

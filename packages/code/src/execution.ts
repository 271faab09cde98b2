import { type Envelope, LIMITS } from "@capsule-run/protocol";
import type { Output, SessionMemory } from "@capsule-run/runtime";
import { type Answer, readAnswer } from "./answer.ts";
import type { CodeError, CodeOutput, Execution, WorkspaceFile } from "./api.ts";
import * as words from "./words.ts";

/** What a call printed, taken down while it is passed on. */
export class Printed {
  stdout = "";
  stderr = "";
  /** Whether there was more. */
  cut = false;
  readonly #pass: ((output: CodeOutput) => void) | undefined;

  constructor(pass: ((output: CodeOutput) => void) | undefined) {
    this.#pass = pass;
  }

  take({ stream, bytes }: Output): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
    // The runtime's own word that it passes on no more; who prints the same says as much of itself.
    if (stream === "stderr" && FULL.test(text)) {
      this.cut = true;
      return;
    }
    this[stream] += text;
    this.#pass?.({ stream, text });
  }
}

const FULL = /^\ncapsule: "main" printed more than [0-9,]+ bytes; the rest is dropped\n$/;

/** How a call ended, as the runtime tells it. */
export interface Ended {
  readonly envelope: Envelope;
  /** Null for a call without a session, which has none to keep or lose. */
  readonly memory: SessionMemory | null;
  readonly printed: Printed;
  readonly files: readonly WorkspaceFile[];
  /** Whether there were more files than could be looked at. */
  readonly filesCut: boolean;
}

export async function executionOf({ envelope, memory, printed, files, filesCut }: Ended): Promise<Execution> {
  const answer = envelope.success ? await readAnswer(envelope.resultJson) : null;
  const error = errorOf(envelope, answer);
  const valueJson = answer?.value ?? null;
  // Only for who asks: small text can be a large value, and most take the text.
  let value: { readonly parsed: unknown } | null = null;
  const { duration_ms, fuel_consumed, ram_used, host_requests } = envelope.execution;
  const notices = [
    printed.cut && words.outputCut(),
    answer?.long === true && words.valueCut(),
    answer !== null && answer.dropped > 0 && words.outputsDropped(answer.dropped),
    filesCut && words.filesCut(),
    memory && words.MEMORY[memory],
  ].filter((each): each is string => typeof each === "string");
  return {
    ok: error === null,
    get value(): unknown {
      value ??= { parsed: valueJson === null ? null : JSON.parse(valueJson) };
      return value.parsed;
    },
    valueJson,
    valueText: answer?.text ?? null,
    hasValue: answer?.has ?? false,
    stdout: printed.stdout,
    stderr: printed.stderr,
    truncated: printed.cut || answer?.long === true || (answer?.dropped ?? 0) > 0,
    outputs: answer?.outputs ?? [],
    files,
    error,
    memory,
    notice: notices.length > 0 ? notices.join(" ") : null,
    metrics: {
      durationMs: duration_ms,
      fuelConsumed: fuel_consumed,
      ramUsed: ram_used,
      hostRequests: host_requests,
    },
  };
}

function errorOf(envelope: Envelope, answer: Answer | null): CodeError | null {
  if (envelope.success) {
    if (answer === null) return { kind: "invalid_result", message: words.BROKEN };
    return answer.error && { kind: "exception", ...answer.error };
  }
  const { error_type: kind, message } = envelope.error;
  // What got past all that catches it: a rejection that nobody handled, for one.
  if (kind === "task_error") return uncaught(message);
  return { kind, message: words.ofCode(message) };
}

function uncaught(report: string): CodeError {
  const message = report.replace(/^Uncaught \(in promise\) /, "");
  const [, name = "Error", text = message] =
    /(?:^|\n)([A-Za-z_$][\w.$]*)(?:: ([^\n]*))?(?:\n {4}at [\s\S]*)?$/.exec(message.trimEnd()) ?? [];
  return { kind: "exception", name, message: text, traceback: report.slice(0, LIMITS.errorCharacters) };
}

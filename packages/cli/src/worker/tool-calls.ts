import { unlessAborted } from "@capsule-run/protocol";
import type { ToolAnswer, ToolCall } from "@capsule-run/runtime";
import type { Outbox } from "./outbox.ts";
import { ProtocolError } from "./protocol.ts";
import type { ToolResultMessage } from "./tool-fields.ts";
import { toolCallLine } from "./words.ts";

const CANCELLED: ToolAnswer = { ok: false, type: "Cancelled", message: "the call was cancelled" };

/** Calls of the client's tools by one run. How many there are at once is the runtime's to limit. */
export class ToolCalls {
  readonly #run: string;
  readonly #outbox: Outbox;
  readonly #unanswered = new Map<string, (answer: ToolAnswer) => void>();
  #made = 0;

  /** @param run the client's id of it */
  constructor(run: string, outbox: Outbox) {
    this.#run = run;
    this.#outbox = outbox;
  }

  /** Asks the client, and waits for its answer as long as somebody else does. */
  async perform(call: ToolCall, stop: AbortSignal): Promise<ToolAnswer> {
    // Only when the client reads.
    await unlessAborted(this.#outbox.room(), stop);
    if (stop.aborted) return CANCELLED;
    const id = String(++this.#made);
    return new Promise((resolve) => {
      const end = (answer: ToolAnswer): void => {
        stop.removeEventListener("abort", giveUp);
        this.#unanswered.delete(id);
        resolve(answer);
      };
      const giveUp = (): void => {
        end(CANCELLED);
        this.#outbox.send({ type: "tool_cancel", id: this.#run, call: id });
      };
      stop.addEventListener("abort", giveUp, { once: true });
      this.#unanswered.set(id, end);
      this.#outbox.line(this.#run, toolCallLine(this.#run, id, call));
    });
  }

  /**
   * Takes an answer. One that nobody waits for any more is none: it was on its way.
   * @throws ProtocolError if there was no such call
   */
  answer({ call, ok, resultJson, error }: ToolResultMessage): void {
    const end = this.#unanswered.get(call);
    if (end) end(ok ? answered(resultJson) : { ok: false, ...(error as NonNullable<typeof error>) });
    else if (!/^[1-9]\d{0,9}$/.test(call) || Number(call) > this.#made)
      throw new ProtocolError(`no tool was called by the name ${JSON.stringify(call)}`);
  }
}

const answered = (json: string | null): ToolAnswer =>
  json === null
    ? { ok: false, type: "InvalidOutput", message: "the result is nested too deep" }
    : { ok: true, json };

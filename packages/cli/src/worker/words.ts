import { isUtf8 } from "node:buffer";
import { type Envelope, envelopeJson } from "@capsule-run/protocol";
import type { LoadedProgram, Output, RunEvent, RunResult, ToolCall } from "@capsule-run/runtime";
import { WORKER_LIMITS } from "./limits.ts";
import type { WorkerMessage } from "./protocol.ts";

/** Lines about runs. Results are in them as the text they came as, so that big integers stay exact. */

/** Text where the bytes are whole UTF-8, else base64. */
export function outputLine(id: string, { stream, bytes, task, path }: Output): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const content = isUtf8(bytes) ? { text: buffer.toString() } : { base64: buffer.toString("base64") };
  return JSON.stringify({ type: "output", id, stream, task, path, ...content });
}

export const resultLine = (id: string, { run, envelope }: RunResult): string =>
  `{"type":"result","id":${JSON.stringify(id)},"run":${JSON.stringify(run)},"envelope":${envelopeJson(envelope)}}`;

/** The envelope of a task that ended; a long result is left out, and its length is there instead. */
function endedFields(envelope: Envelope): string {
  const bytes = envelope.success ? Buffer.byteLength(envelope.resultJson) : 0;
  if (!envelope.success || bytes <= WORKER_LIMITS.eventResultBytes)
    return `"omitted_bytes":0,"envelope":${envelopeJson(envelope)}`;
  return `"omitted_bytes":${bytes},"envelope":${envelopeJson({ ...envelope, resultJson: "null" })}`;
}

/** A call of a tool. Its arguments are the text they came as. */
export function toolCallLine(id: string, call: string, { name, task, path, args, kwargs }: ToolCall): string {
  const fields = inside({ type: "tool_call", id, call, tool: name, task, path });
  return `{${fields},"args":${args},"kwargs":${kwargs ?? "{}"}}`;
}

const inside = (fields: object): string => JSON.stringify(fields).slice(1, -1);

function eventFields(event: RunEvent): string {
  switch (event.type) {
    case "task_queued":
      return "";
    case "task_limited":
      return inside({ cuts: event.cuts });
    case "attempt_started":
      return inside({ attempt: event.attempt });
    case "attempt_failed": {
      const { attempt, error, message, retryInMs } = event;
      return inside({ attempt, error_type: error, message, retry_in_ms: retryInMs });
    }
    case "task_ended":
      return endedFields(event.envelope);
    case "tool_called":
      return inside({ tool: event.tool });
    case "tool_ended":
      return inside({ tool: event.tool, duration_ms: event.durationMs, error: event.error });
  }
}

export function eventLine(id: string, event: RunEvent): string {
  const { type, run, path, task } = event;
  const fields = eventFields(event);
  return `{${inside({ type: "event", id, event: type, run, path, task })}${fields && `,${fields}`}}`;
}

export function loadedMessage(id: string, { file, cached, bytes, manifest }: LoadedProgram): WorkerMessage {
  const { language, entry, tasks } = manifest;
  return { type: "loaded", id, file, cached, bytes, language, entry, tasks: tasks.map(({ name }) => name) };
}

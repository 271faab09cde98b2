import type { Execution, RichOutput, WorkspaceFile } from "@capsule-run/code";
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { bytes, oneLine, plural } from "../format.ts";
import { shownAs } from "./content.ts";
import { cutMiddle } from "./cut.ts";
import { MCP_LIMITS } from "./limits.ts";
import { type ExecutionAnswer, isImageType } from "./schemas.ts";

/** An image of a call, as MCP has it. */
export interface ImageContent {
  readonly type: "image";
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
}

/** How an execution is told. */
export interface ExecutionStyle {
  /** Whether there is memory that was kept or not. */
  readonly session: boolean;
  /** Images among the files it wrote, where those are gone afterwards. */
  readonly written?: readonly ImageContent[];
}

/** Texts that are cut, with a note of whether any was. */
class Cutter {
  cut = false;

  text(text: string): string;
  text(text: string | null): string | null;
  text(text: string | null): string | null {
    if (text === null) return null;
    const { text: short, cut } = cutMiddle(text, MCP_LIMITS.textCharacters);
    this.cut ||= cut;
    return short;
  }
}

const imageBytes = (base64: string): number => Math.floor((base64.length * 3) / 4);

function imagesOf(
  outputs: readonly RichOutput[],
  written: readonly ImageContent[],
): { images: readonly ImageContent[]; left: string | null } {
  const said = outputs.filter(({ type }) => isImageType(type));
  const found = said.flatMap(({ data }) => {
    const mimeType = shownAs(data);
    return mimeType === null ? [] : [{ type: "image", data, mimeType } as const];
  });
  const all = [...found, ...written];
  const images: ImageContent[] = [];
  let room: number = MCP_LIMITS.imageBytes;
  for (const image of all) {
    const size = imageBytes(image.data);
    if (images.length === MCP_LIMITS.images || size > room) continue;
    room -= size;
    images.push(image);
  }
  const left: string[] = [];
  const wrong = said.length - found.length;
  if (wrong > 0) left.push(`${plural(wrong, "image was", "images were")} left out, being none`);
  const missing = all.length - images.length;
  if (missing > 0)
    left.push(
      `${plural(missing, "image was", "images were")} left out: an answer has at most ${MCP_LIMITS.images}, of at most ${bytes(MCP_LIMITS.imageBytes)} together`,
    );
  return { images, left: left.length === 0 ? null : left.join("\n") };
}

/** The value if it is short enough; the model has its text anyway. */
function shortValue(execution: Execution, cutter: Cutter): unknown {
  const { valueJson } = execution;
  if (valueJson === null) return null;
  if (valueJson.length <= MCP_LIMITS.textCharacters) return execution.value;
  cutter.cut = true;
  return null;
}

function errorOf({ error }: Execution, cutter: Cutter): ExecutionAnswer["error"] {
  if (error === null) return null;
  // A call's own names for its limits.
  const message = cutter.text(error.message.replace(/`limits\.(\w+)`/g, "`$1`"));
  if (error.kind !== "exception") return { type: error.kind, name: null, message, traceback: null };
  return { type: "exception", name: error.name, message, traceback: cutter.text(error.traceback) };
}

/** The files that an answer lists: as many as it may, and of each what its schema has. */
export function listing(files: readonly WorkspaceFile[]): WorkspaceFile[] {
  return files.slice(0, MCP_LIMITS.files).map(({ path, size }) => ({ path, size }));
}

/** The rich outputs that are no images, as far as there is room. */
function richOutputs({ outputs }: Execution, cutter: Cutter): ExecutionAnswer["outputs"] {
  let room: number = MCP_LIMITS.outputCharacters;
  const shown: ExecutionAnswer["outputs"] = [];
  for (const { type, data } of outputs) {
    if (isImageType(type)) continue;
    const text = cutter.text(data);
    room -= text.length;
    if (room < 0) {
      cutter.cut = true;
      break;
    }
    shown.push({ type, text });
  }
  return shown;
}

/** What the answer says of a call, in the fields of its output schema. */
function answerOf(execution: Execution, session: boolean, more: string | null): ExecutionAnswer {
  const cutter = new Cutter();
  const parts = {
    ok: execution.ok,
    value: shortValue(execution, cutter),
    value_text: cutter.text(execution.valueText),
    stdout: cutter.text(execution.stdout),
    stderr: cutter.text(execution.stderr),
    error: errorOf(execution, cutter),
    outputs: richOutputs(execution, cutter),
    files: listing(execution.files),
  };
  const notices = [execution.notice, more];
  const listed = parts.files.length;
  if (listed < execution.files.length)
    notices.push(`${execution.files.length} files were written, of which ${listed} are listed`);
  const { metrics } = execution;
  return {
    ...parts,
    truncated: execution.truncated || cutter.cut || listed < execution.files.length || more !== null,
    notice: notices.filter((notice) => notice !== null).join("\n") || null,
    memory: session ? execution.memory : null,
    metrics: {
      duration_ms: metrics.durationMs,
      fuel_consumed: metrics.fuelConsumed,
      ram_used: metrics.ramUsed,
      host_requests: metrics.hostRequests.length,
    },
  };
}

/** The same as a model reads it: what was printed, the value, then what went wrong and what else there is to know. */
function textOf(answer: ExecutionAnswer): string {
  const { stdout, stderr, value_text: value, error, files, notice } = answer;
  const parts: string[] = [];
  if (stdout !== "") parts.push(stdout.replace(/\n$/, ""));
  if (value !== null) parts.push(value);
  if (stderr !== "") parts.push(`stderr:\n${stderr.replace(/\n$/, "")}`);
  if (error !== null) parts.push((error.traceback ?? `${error.type}: ${error.message}`).replace(/\n$/, ""));
  if (files.length > 0)
    parts.push(
      `files written: ${files.map(({ path, size }) => `${oneLine(path)} (${bytes(size)})`).join(", ")}`,
    );
  if (notice !== null) parts.push(`[${notice}]`);
  return parts.length === 0 ? "(no output)" : parts.join("\n");
}

/** The answer to a call that ran code. A failure of the code is one of the call. */
export function executionResult(
  execution: Execution,
  { session, written = [] }: ExecutionStyle,
): CallToolResult {
  const { images, left } = imagesOf(execution.outputs, written);
  const answer = answerOf(execution, session, left);
  const content: ContentBlock[] = [{ type: "text", text: textOf(answer) }, ...images];
  return { content, structuredContent: { ...answer }, isError: !execution.ok };
}

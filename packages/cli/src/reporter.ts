import { DEFAULT_POLICY, type Envelope, type ExecutionInfo } from "@capsule-run/protocol";
import type { ExportedProgram, LoadedProgram, RunEvent } from "@capsule-run/runtime";
import type { Paint } from "./colour.ts";
import { bytes, duration, oneLine, plural, thousands, toolName } from "./format.ts";

/** Characters of a message inside one line of the report. */
const MESSAGE = 200;
/** Characters of a line that says what a ceiling cut. */
const CUT = 500;
/** Entries of a list that are named. */
const ENTRIES = 10;

const cost = (execution: ExecutionInfo): string =>
  [
    duration(execution.duration_ms),
    `${thousands(execution.fuel_consumed)} fuel`,
    bytes(execution.ram_used),
    ...(execution.retries > 0 ? [plural(execution.retries, "retry", "retries")] : []),
  ].join(" · ");

const outcome = (envelope: Envelope, paint: Paint): string =>
  envelope.success ? paint("green", "ok") : paint("red", `failed (${oneLine(envelope.error.error_type)})`);

/** `main ok · 3 ms · 45,000 fuel · 1.1 MB`, and for a failure its type. */
export const summaryLine = (envelope: Envelope, paint: Paint): string =>
  `${paint("bold", oneLine(envelope.execution.task_name))} ${outcome(envelope, paint)} · ${cost(envelope.execution)}\n`;

const depth = (path: string): number => path.split(".").length - 1;

function describe(event: RunEvent, paint: Paint): string {
  switch (event.type) {
    case "task_queued":
      return "queued";
    case "task_limited":
      return `${paint("yellow", "asks for more than it may have")}: ${event.cuts.map((cut) => oneLine(cut, CUT)).join("; ")}`;
    case "attempt_started":
      return event.attempt > 0 ? `started, attempt ${thousands(event.attempt + 1)}` : "started";
    case "attempt_failed": {
      const message = oneLine(event.message, MESSAGE);
      return `${paint("yellow", `attempt ${thousands(event.attempt + 1)} failed (${oneLine(event.error)})`)}: ${message}; retry in ${duration(event.retryInMs)}`;
    }
    case "task_ended": {
      const { envelope } = event;
      const message = envelope.success ? "" : `: ${oneLine(envelope.error.message, MESSAGE)}`;
      return `${outcome(envelope, paint)} · ${cost(envelope.execution)}${message}`;
    }
    case "tool_called":
      return "called";
    case "tool_ended": {
      const { error, durationMs } = event;
      const how = error === null ? paint("green", "ok") : paint("red", `failed (${oneLine(error.type)})`);
      const message = error === null ? "" : `: ${oneLine(error.message, MESSAGE)}`;
      return `${how} · ${duration(durationMs)}${message}`;
    }
  }
}

/**
 * One line for an event of `--verbose`: milliseconds since the run began, the task or tool nested by its depth and named
 * with its path, and what happened to it. Attempts count from 0 in events and from 1 for people.
 */
export function eventLine(event: RunEvent, elapsedMs: number, paint: Paint): string {
  const time = paint("dim", `${thousands(elapsedMs)} ms`.padStart(9));
  const name = paint("bold", "tool" in event ? toolName(event.tool) : oneLine(event.task));
  return `${time} ${"  ".repeat(depth(event.path))} ${name} ${paint("dim", `[${oneLine(event.path)}]`)} ${describe(event, paint)}\n`;
}

/** `hello.ts compiled · 2 tasks · 12.3 kB · 350 ms`, or `… found in the cache · …`, or `hello.wasm opened · …`. */
export function programLine(program: LoadedProgram, name: string, elapsedMs: number, paint: Paint): string {
  const found = program.file.endsWith(".wasm") ? "opened" : "found in the cache";
  const how = program.cached ? found : "compiled";
  const facts = [plural(program.manifest.tasks.length, "task"), bytes(program.bytes), duration(elapsedMs)];
  return `${paint("bold", oneLine(name))} ${paint("green", how)} · ${facts.join(" · ")}\n`;
}

/** `hello.wasm written · 2.6 MB`. */
export const exportLine = ({ exported }: ExportedProgram, name: string, paint: Paint): string =>
  `${paint("bold", oneLine(name))} ${paint("green", "written")} · ${bytes(exported.bytes)}\n`;

/** When the snapshot was taken, on which engine, and why, for `--verbose`. */
export function snapshotLines(program: LoadedProgram): string {
  const { snapshot, reasons, needs } = program.manifest;
  const because = (words: readonly string[]): string =>
    words.map((word) => `  because ${oneLine(word)}\n`).join("");
  const engine = needs.length > 0 ? `on the full engine\n${because(needs)}` : "";
  return snapshot === "after"
    ? `snapshot taken after the program was loaded: attempts start from it\n${engine}`
    : `snapshot taken before the program: each attempt loads it again\n${because(reasons)}${engine}`;
}

/** `hosts a.example.com, b.example.com`; nothing if there are none. */
function listed(name: string, entries: readonly string[] | null | undefined): readonly string[] {
  if (!entries || entries.length === 0) return [];
  const more = entries.length - ENTRIES;
  const shown = entries.slice(0, ENTRIES).map((entry) => oneLine(entry, MESSAGE));
  return [`${name} ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`];
}

/** One line for each task with what it asks for, for `--verbose`. */
export function taskLines(program: LoadedProgram): string {
  return program.manifest.tasks
    .map(({ name, async, policy: declared }) => {
      const { fuel, ram, timeoutMs, maxRetries, files, hosts, environment } = declared;
      const folders = files?.map(({ path, mode }) => (mode === "read-only" ? `${path} (read-only)` : path));
      const limits = [
        async ? "async" : "sync",
        `${thousands(fuel ?? DEFAULT_POLICY.fuel)} fuel`,
        ram === null ? "any memory" : bytes(ram),
        timeoutMs === null ? "no timeout" : duration(timeoutMs),
        ...(maxRetries ? [plural(maxRetries, "retry", "retries")] : []),
        ...listed("files", folders),
        ...listed("hosts", hosts),
        ...listed("variables", environment),
      ];
      return `  ${oneLine(name)} · ${limits.join(" · ")}\n`;
    })
    .join("");
}

import {
  checkFromCell,
  type ErrorReport,
  type ErrorType,
  FrameError,
  type FromCell,
  grouped,
  isArguments,
  isJson,
  LIMITS,
  type Loaded,
  type TurnEnd,
} from "@capsule-run/protocol";

/** An end that is nobody's fault but ours. */
export const broken = (error: unknown): TurnEnd & { readonly state: "failed" } => ({
  state: "failed",
  error: "internal_error",
  message: `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`,
});

/** The end of an attempt as its host is told of it. */
export interface Ending {
  readonly ok: boolean;
  readonly error: ErrorType | "";
  readonly plain: boolean;
  readonly body: Uint8Array;
}

export function endingOf(end: TurnEnd): Ending {
  const text = (value: string): Uint8Array => Buffer.from(value.slice(0, LIMITS.errorCharacters));
  switch (end.state) {
    case "result": {
      const wrong = wrongResult(end.json);
      return wrong === null
        ? { ok: true, error: "", plain: false, body: end.json }
        : { ok: false, error: "invalid_result", plain: true, body: text(wrong) };
    }
    case "raised":
      return { ok: false, error: end.error, plain: false, body: reportBody(end.report) };
    case "failed":
      return { ok: false, error: end.error, plain: true, body: text(end.message) };
    case "lacking":
      return { ok: false, error: "internal_error", plain: true, body: text(lacking(end.code)) };
    case "stopped":
      return { ok: false, error: "cancelled", plain: true, body: text("stopped") };
    case "idle":
      return {
        ok: false,
        error: "internal_error",
        plain: true,
        body: text("a task ended while it was idle"),
      };
  }
}

const lacking = (code: string): string =>
  `the program got to ${code}, which this variant of the engine was made without`;

/**
 * What a program gave for its result is its own word: it may have changed what writes JSON. The host would take what is none
 * for a lie of this cell, and end all that others have in it.
 */
function wrongResult(json: Uint8Array): string | null {
  if (json.length > LIMITS.resultBytes) return tooLarge(json.length);
  return isJson(json) ? null : NO_JSON;
}

const NO_JSON = `the result is no JSON, is nested deeper than ${grouped(LIMITS.valueDepth)} levels, or has numbers of too many digits`;

const NOTHING = new Uint8Array(0);

/** Arguments of a call as the host is told of them: nothing in place of those that it would not take. */
export const carriedArguments = (args: Uint8Array): Uint8Array =>
  args.length <= LIMITS.argumentBytes && isArguments(args) ? args : NOTHING;

const tooLarge = (size: number): string =>
  `the result is ${size} bytes of JSON, more than the ${LIMITS.resultBytes} that are allowed; hand over less, or in several parts`;

/** A report as JSON; of one that is larger than the host takes, its own words only. A guest may have made it of anything. */
function reportBody(report: ErrorReport): Uint8Array {
  const body = wholeReport(report);
  if (body && body.length <= LIMITS.reportBytes) return body;
  const cut = (text: unknown): string =>
    typeof text === "string" ? text.slice(0, LIMITS.errorCharacters >> 2) : "";
  const { name, message, stack } = report;
  return Buffer.from(JSON.stringify({ name: cut(name), message: cut(message), stack: cut(stack) }));
}

/** Null: it is nested deeper than JSON can be written. */
function wholeReport(report: ErrorReport): Uint8Array | null {
  try {
    return Buffer.from(JSON.stringify(report));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * A program that was loaded, as the host is told of it, or why it is not. What it says of itself is its own word, which the
 * host would take for this cell's.
 */
export function loadedMessage(
  sandbox: number,
  { tasks, entry, notice, snapshot, reasons, output, image }: Loaded,
  usage: { readonly fuel: number; readonly ram: number },
): FromCell | (TurnEnd & { readonly state: "failed" }) {
  const most = LIMITS.manifestCharacters;
  if (typeof tasks === "string" && tasks.length > most) {
    const message = `its tasks' functions take more than ${grouped(most)} characters of source`;
    return { state: "failed", error: "limit_exceeded", message };
  }
  try {
    const message = {
      ...{ type: "loaded", sandbox, tasks, entry, notice, snapshot, ...usage },
      ...{ reasons: JSON.stringify(reasons), output: JSON.stringify(output) },
      ...{ globals: image.globals, body: image.pages },
    };
    return checkFromCell(message);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    const message = `what it says of its tasks can't be understood: ${error.message}`;
    return { state: "failed", error: "task_error", message };
  }
}

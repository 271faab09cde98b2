import { breath, isJson, isLong, LIMITS } from "@capsule-run/protocol";
import type { RichOutput } from "./api.ts";
import { readOutputs } from "./rich.ts";

/** What the program inside says of a piece of code. */
export interface Answer {
  /** Whether there is a value. */
  readonly has: boolean;
  /** The value as JSON text, on one line and nested no deeper than values may be; null: it is none, or too large. */
  readonly value: string | null;
  readonly text: string | null;
  /** Whether `text` was cut. */
  readonly long: boolean;
  readonly outputs: readonly RichOutput[];
  /** How many outputs were too many or too large, or not what they say they are. */
  readonly dropped: number;
  readonly error: { readonly name: string; readonly message: string; readonly traceback: string } | null;
}

/** What it is told of them. */
export const GUEST_LIMITS = {
  outputs: LIMITS.richOutputs,
  outputBytes: LIMITS.richOutputBytes,
  valueCharacters: LIMITS.valueCharacters,
  valueBytes: LIMITS.valueBytes,
};

const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length <= most;

/** Marks of what was left out, and a little. */
const SLACK = 200;

/** Characters of a name, a message, a traceback. */
const MOST = { name: 400, message: 17 * 1024, trace: 65 * 1024 };

/** Characters of an answer outside of strings: a dozen for each output, and as many again for all the rest. */
const MOST_AROUND = 2 * 12 * LIMITS.richOutputs;

/**
 * Reads an answer; what is left out of it is not there. The code may have changed the program that made it, so it is
 * looked at as anything that a guest says. Null: it is none.
 */
export async function readAnswer(json: string): Promise<Answer | null> {
  await pause(json);
  if (!isMostlyText(json)) return null;
  await pause(json);
  const answer = parsed(json);
  await pause(json);
  if (typeof answer !== "object" || answer === null) return null;
  const given = answer as Readonly<Record<keyof Answer, unknown>>;
  const { has, value = null, text = null, long = false, dropped = 0 } = given;
  const rich = readOutputs(given.outputs ?? []);
  const error = (given.error ?? null) === null ? null : readError(given.error);
  if (typeof has !== "boolean" || typeof long !== "boolean" || rich === null || error === undefined)
    return null;
  if (typeof dropped !== "number" || !Number.isSafeInteger(dropped) || dropped < 0) return null;
  if (value !== null && !isText(value, LIMITS.valueBytes)) return null;
  if (text !== null && !isText(text, LIMITS.valueCharacters + SLACK)) return null;
  return {
    ...{ has, long, error, outputs: rich.outputs, dropped: dropped + rich.dropped },
    value: value && jsonOrNull(value.toWellFormed()),
    text: text?.toWellFormed() ?? null,
  };
}

/** Characters from which on each step of reading takes so long that others have their turn before the next. */
const LONG = 64 * 1024;

async function pause(json: string): Promise<void> {
  if (json.length > LONG && isLong()) await breath();
}

/** Undefined: it is no JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Whether nearly all of a JSON text is in strings, as in every answer; else it could take far more memory once parsed. */
function isMostlyText(json: string): boolean {
  let around = 0;
  let inside = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === 0x22) inside = !inside;
    else if (!inside && ++around > MOST_AROUND) return false;
    else if (code === 0x5c) at++;
  }
  return true;
}

const jsonOrNull = (text: string): string | null => (isJson(Buffer.from(text)) ? text : null);

/** Undefined: it is none. */
function readError(value: unknown): Answer["error"] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, message, traceback } = value as Record<string, unknown>;
  if (!isText(name, MOST.name) || !isText(message, MOST.message) || !isText(traceback, MOST.trace))
    return undefined;
  return {
    name: name.toWellFormed(),
    message: message.toWellFormed(),
    traceback: traceback.toWellFormed(),
  };
}

/**
 * The messages of `capsule worker`, one line of JSON each, as `docs/worker-protocol.md` describes them: what a client
 * may send, field by field, and what it is answered.
 */
import { cutText, isUsageError, nearest, type Place, type UsageSlug } from "@capsule-run/protocol";
import type { PolicyOptions } from "@capsule-run/runtime";
import type { RemoteTool } from "@capsule-run/tools";
import type { Line } from "../lines.ts";
import { CARRIED_FIELDS, type CarriedField, isPlaceholder, part } from "./carried.ts";
import { CODE_FIELDS, type CodeMessage, isCodeType } from "./code-fields.ts";
import { exactField } from "./exact.ts";
import {
  COUNT,
  FILE,
  type Fields,
  ID,
  isCount,
  isId,
  isRecord,
  isText,
  PATH,
  SWITCH,
  TEXTS,
  VARIABLES,
} from "./fields.ts";
import { WORKER_LIMITS } from "./limits.ts";
import { TOOL_RESULT_FIELDS, TOOLS, type ToolResultMessage } from "./tool-fields.ts";

/** The version of the protocol; a worker speaks one. */
export const PROTOCOL_VERSION = 1;

/** What a client sends. Fields that are not there have the defaults of `createRuntime` and of its `run`. */
export type ClientMessage =
  | {
      readonly type: "hello";
      readonly version: number;
      readonly cwd?: string;
      readonly cache_dir?: string;
      readonly cells?: number;
      readonly concurrency?: number;
      readonly memory?: number;
      readonly record?: boolean;
    }
  | {
      readonly type: "run";
      readonly id: string;
      readonly file: string;
      readonly args?: readonly unknown[];
      /** In place of `args`, which the client sends: the same as JSON text. */
      readonly argsJson?: string;
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly run_id?: string;
      readonly policy?: PolicyOptions;
      readonly sealed?: boolean;
      readonly mounts?: readonly string[];
      /** Functions of the client that tasks may call. */
      readonly tools?: readonly RemoteTool[];
      /** Whether what tasks print is sent; default: true. */
      readonly output?: boolean;
      /** Whether events are sent; default: false. */
      readonly events?: boolean;
    }
  | { readonly type: "load"; readonly id: string; readonly file: string; readonly cwd?: string }
  | ToolResultMessage
  | CodeMessage
  | { readonly type: "cancel"; readonly id: string }
  | { readonly type: "close" };

export type RunMessage = Extract<ClientMessage, { type: "run" }>;
export type LoadMessage = Extract<ClientMessage, { type: "load" }>;
export type HelloMessage = Extract<ClientMessage, { type: "hello" }>;

/** Why a message, or what it asked for, came to nothing, beside the slugs of wrong use. */
export type WorkerSlug = "protocol" | "limit" | "cancelled" | "no-session" | "internal";

/** What a worker sends, but for `event`, `tool_call` and `result`, which hold JSON text of a run as it is. */
export type WorkerMessage =
  | { readonly type: "hello"; readonly version: number; readonly capsule: string }
  | {
      readonly type: "loaded";
      readonly id: string;
      readonly file: string;
      readonly cached: boolean;
      readonly bytes: number;
      readonly language: string;
      readonly entry: string;
      readonly tasks: readonly string[];
    }
  | {
      readonly type: "error";
      /** The run or load that this ends; null: no such thing came of the line. */
      readonly id: string | null;
      /** The line that was refused, counted from 1; null where no line was. */
      readonly line: number | null;
      readonly slug: UsageSlug | WorkerSlug;
      /** Ends with the slug, as on the command line. */
      readonly message: string;
      /** The message without the slug. */
      readonly text: string;
      readonly place: Place | null;
      readonly excerpt: string | null;
    }
  /** Nobody waits for a call's result any more. */
  | { readonly type: "tool_cancel"; readonly id: string; readonly call: string }
  | { readonly type: "dropped"; readonly id: string; readonly output_bytes: number; readonly events: number }
  | { readonly type: "warning"; readonly message: string }
  /** `text` is null when what took long is over. */
  | { readonly type: "progress"; readonly text: string | null; readonly done: number; readonly total: number }
  | { readonly type: "closed" };

/** A line that is refused. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly slug: WorkerSlug;
  /** The run or load that does not begin because of it. */
  readonly id: string | null;

  constructor(message: string, id: string | null = null, slug: ProtocolError["slug"] = "protocol") {
    super(message);
    this.slug = slug;
    this.id = id;
  }
}

/** As the runner takes it. */
const RUN_ID = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Every message a client may send, field by field: the table is the definition of what the worker accepts. */
const FIELDS: Readonly<Record<ClientMessage["type"], Fields>> = {
  hello: {
    version: { ...COUNT, required: true },
    cwd: PATH,
    cache_dir: PATH,
    cells: {
      rule: (value) => isCount(value) && (value as number) <= 1024,
      allowed: "an integer from 1 to 1024",
    },
    concurrency: COUNT,
    memory: COUNT,
    record: SWITCH,
  },
  run: {
    id: ID,
    file: FILE,
    args: { rule: Array.isArray, allowed: "an array" },
    cwd: PATH,
    env: VARIABLES,
    run_id: {
      rule: (value) => isText(value) && RUN_ID.test(value),
      allowed: "1 to 64 letters, digits, dots, underscores and dashes, a letter or digit first",
    },
    policy: { rule: isRecord, allowed: "an object" },
    sealed: SWITCH,
    mounts: TEXTS,
    tools: TOOLS,
    output: SWITCH,
    events: SWITCH,
  },
  load: { id: ID, file: FILE, cwd: PATH },
  tool_result: TOOL_RESULT_FIELDS,
  ...CODE_FIELDS,
  cancel: { id: ID },
  close: {},
};

const TYPES = Object.keys(FIELDS) as readonly ClientMessage["type"][];
const quote = (word: string): string => JSON.stringify(cutText(word, 100));
const hint = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known);
  return near ? `; did you mean "${near}"?` : `; there are ${known.join(", ")}`;
};

function decode(line: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch {
    throw new ProtocolError("the line is not UTF-8 text");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("the line is not JSON");
  }
}

/**
 * The message of a line. Unknown types, missing, unknown and ill-typed fields are refused. Arguments of a run and results
 * of tools are not read: they go on as the text they are.
 * @throws ProtocolError
 */
export function readMessage(line: Uint8Array): ClientMessage {
  const text = decode(line);
  for (const field of CARRIED_FIELDS) {
    const parted = part(line, field);
    const message = parted && carrying(checkMessage(parse(parted.rest)), field, parted.json);
    if (message) return message;
  }
  return readWhole(text);
}

/** The message with a field as text; null where the field must be read whole after all. */
function carrying(message: ClientMessage, field: CarriedField, json: string): ClientMessage | null {
  if (!isPlaceholder(field, (message as { readonly [name: string]: unknown })[field])) return null;
  if (message.type === "run" && field === "args") {
    const { args: _, ...fields } = message;
    return { ...fields, argsJson: json };
  }
  return message.type === "tool_result" && field === "result" ? toolResult(message, json) : null;
}

function readWhole(text: string): ClientMessage {
  const message = checkMessage(parse(text));
  if (message.type === "run" && message.args !== undefined)
    return { ...message, args: exactField(text, "args", message.args) };
  if (message.type !== "tool_result") return message;
  const { result = null } = message as { readonly result?: unknown };
  return toolResult(message, deepText(exactField(text, "result", result)));
}

/** JSON text; null for what is nested deeper than it can be written. */
function deepText(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @throws ProtocolError for a failure that does not say what failed */
function toolResult(message: ToolResultMessage, resultJson: string | null): ClientMessage {
  const { type, id, call, ok, error } = message;
  if (ok) return { type, id, call, ok, resultJson };
  if (!error) throw new ProtocolError('"tool_result" needs "error" where "ok" is false');
  return { type, id, call, ok, resultJson: null, error: { type: error.type, message: error.message } };
}

/** @throws ProtocolError for what is not in the table */
function checkMessage(message: unknown): ClientMessage {
  if (!isRecord(message)) throw new ProtocolError("a message is an object");
  const { type } = message;
  if (!isText(type)) throw new ProtocolError('a message has a "type", which is a string');
  const begins = type === "run" || type === "load" || isCodeType(type);
  const id = begins && isId(message.id) ? message.id : null;
  if (!Object.hasOwn(FIELDS, type))
    throw new ProtocolError(`unknown type ${quote(type)}${hint(type, TYPES)}`, id);
  const fields = FIELDS[type as ClientMessage["type"]];
  for (const name of Object.keys(message)) {
    if (name === "type" || Object.hasOwn(fields, name)) continue;
    throw new ProtocolError(
      `unknown field ${quote(name)} of "${type}"${hint(name, Object.keys(fields))}`,
      id,
    );
  }
  for (const [name, { rule, allowed, required }] of Object.entries(fields)) {
    const value = message[name];
    if (value === undefined && !required) continue;
    if (value === undefined) throw new ProtocolError(`"${type}" needs "${name}": ${allowed}`, id);
    if (!rule(value)) throw new ProtocolError(`"${name}" of "${type}" must be ${allowed}`, id);
  }
  return message as unknown as ClientMessage;
}

/** A line that came. */
export interface Incoming {
  /** Of the line. */
  readonly number: number;
  /** Its length. */
  readonly bytes: number;
  /** What it says, or what is wrong with it; null: it is blank. */
  readonly message: ClientMessage | ProtocolError | null;
}

const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x0d);

export function readIncoming({ number, bytes }: Line): Incoming {
  const about = { number, bytes: bytes?.length ?? 0 };
  if (bytes === null) {
    const text = `a line has at most ${WORKER_LIMITS.lineBytes} bytes; this one was skipped`;
    return { ...about, message: new ProtocolError(text, null, "limit") };
  }
  try {
    return { ...about, message: isBlank(bytes) ? null : readMessage(bytes) };
  } catch (error) {
    if (error instanceof ProtocolError) return { ...about, message: error };
    throw error;
  }
}

/** Whether it asks for no answer of its own, so that it can be heard while the client reads too little. */
export const isUrgent = ({ message }: Incoming): boolean =>
  message === null ||
  (!(message instanceof ProtocolError) && ["cancel", "close", "tool_result"].includes(message.type));

/** The message that tells of an exception. */
export function errorMessage(
  error: unknown,
  about: { readonly id: string | null; readonly line?: number | null },
): Extract<WorkerMessage, { type: "error" }> {
  const { id, line = null } = about;
  if (isUsageError(error)) {
    const { slug, message, text, place = null, excerpt = null } = error;
    return { type: "error", id, line, slug, message, text, place, excerpt };
  }
  const slug = error instanceof ProtocolError ? error.slug : "internal";
  const text = error instanceof Error ? error.message : String(error);
  const message = `${text} [${slug}]`;
  return { type: "error", id, line, slug, message, text, place: null, excerpt: null };
}

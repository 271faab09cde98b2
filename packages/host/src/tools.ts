/** Tools: functions of the host that the tasks of a run may call. */
import {
  countValues,
  cutText,
  EffectError,
  grouped,
  isJson,
  LIMITS,
  Line,
  nearest,
  TOOL_FAILED,
  type ToolCall,
  type ToolFailure,
  type ToolHost,
} from "@capsule-run/protocol";
import type { Capability, Performed } from "./capability.ts";

/** The attempt that calls. */
export interface ToolCaller {
  readonly run: string;
  readonly task: string;
  readonly path: string;
}

/** A call that reached the host, and its end. `path` is the call's own. */
export type ToolEvent = ToolCaller & { readonly tool: string } & (
    | { readonly type: "tool_called" }
    | { readonly type: "tool_ended"; readonly durationMs: number; readonly error: ToolFailure | null }
  );

/** What the tools of one run are to its attempts. */
export interface Toolbox {
  of(caller: ToolCaller): Capability;
}

type Outcome = { readonly ok: true; readonly json: Uint8Array } | ({ readonly ok: false } & ToolFailure);

/** Bytes that the host takes for a value of JSON, beside those of its text: an object with a key of its own takes hundreds. */
const VALUE_BYTES = 256;

/**
 * The tools of a run, for all its attempts together. What the guest hears of a call that went wrong is what the host
 * said on purpose, never an exception's own words.
 * @param host null: the run has none
 * @param scrub takes secrets out of what is said of a failure
 */
export function openToolbox(
  host: ToolHost | null,
  emit: (event: ToolEvent) => void,
  scrub: (text: string) => string = (text) => text,
): Toolbox {
  const line = new Line(LIMITS.toolCallsAtOnce);
  let names: ReadonlySet<string> | null = null;
  let asked = 0;
  let unknown = 0;
  /** Bytes of arguments that the host has. */
  let handed = 0;

  const call = async (
    caller: ToolCaller,
    id: number,
    head: Readonly<Record<string, unknown>>,
    payload: Uint8Array,
    stop: AbortSignal,
  ): Promise<Performed> => {
    if (++asked > LIMITS.toolCalls)
      throw new EffectError(
        "ELIMIT",
        `limit exceeded: ${grouped(LIMITS.toolCalls)} calls of tools in one run`,
      );
    const { name, args, kwargs } = readCall(head, payload);
    names ??= new Set(host?.names ?? []);
    if (host === null || !names.has(name))
      throw new EffectError("ENOENT", unknownTool(name, [...names], unknown++ < MOST_GUESSES));
    const values = countValues(payload);
    if (values > LIMITS.toolValues)
      throw new EffectError(
        "ELIMIT",
        `limit exceeded: more than ${grouped(LIMITS.toolValues)} values in the arguments of the tool ${name}`,
      );
    const bytes = payload.length + values * VALUE_BYTES;
    let taken = 0;
    const take = (): boolean => {
      if (handed > 0 && handed + bytes > LIMITS.toolArgumentBytes) return false;
      taken = bytes;
      handed += bytes;
      return true;
    };
    const leave = await line.enter(stop, take);
    const over = (): void => {
      handed -= taken;
      leave?.();
    };
    if (stop.aborted) {
      over();
      throw new EffectError("EABORTED", `the call of the tool ${name} was given up`);
    }
    const path = `${caller.path}.${id}`;
    const outcome = await perform(
      host,
      {
        run: caller.run,
        task: caller.task,
        path,
        name,
        args: textOf(args),
        kwargs: kwargs && textOf(kwargs),
      },
      stop,
      { emit, scrub, over },
    );
    if (outcome.ok) return { head: { threw: null }, payload: outcome.json };
    const { type, message } = outcome;
    return { head: { threw: { type, message } } };
  };

  return {
    of: (caller) => ({
      perform: (_verb, head, payload, stop, id) => call(caller, id, head, payload, stop),
      async close() {},
    }),
  };
}

/** After so many calls of tools that do not exist nobody guesses any more what was meant: that takes the host's time. */
const MOST_GUESSES = 20;
/** Names of tools that a message lists. */
const MOST_LISTED = 50;

interface Around {
  emit(event: ToolEvent): void;
  scrub(text: string): string;
  /** Called when the host has answered, which may be after the call has ended: so long it is at work. */
  over(): void;
}

/** Has the host perform a call, until `stop` is aborted. */
function perform(
  host: ToolHost,
  call: ToolCall,
  stop: AbortSignal,
  { emit, scrub, over }: Around,
): Promise<Outcome> {
  const { run, task, path, name: tool } = call;
  emit({ type: "tool_called", run, task, path, tool });
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (outcome: Outcome): void => {
      stop.removeEventListener("abort", giveUp);
      const error = outcome.ok ? null : { type: outcome.type, message: outcome.message };
      const durationMs = Math.round(performance.now() - began);
      emit({ type: "tool_ended", run, task, path, tool, durationMs, error });
      resolve(outcome);
    };
    const giveUp = (): void =>
      end({ ok: false, type: "Cancelled", message: `the call of the tool ${tool} was given up` });
    stop.addEventListener("abort", giveUp, { once: true });
    // What it throws before it gives a promise is a rejection too.
    void new Promise<unknown>((answer) => answer(host.call(call, stop)))
      .then((answer) => readAnswer(tool, answer, scrub))
      .catch(() => failed(tool))
      .then((outcome) => {
        over();
        if (!stop.aborted) end(outcome);
      });
  });
}

const failed = (tool: string): Outcome => ({
  ok: false,
  type: TOOL_FAILED,
  message: `the tool ${tool} failed`,
});

/** The arguments of a call as the cell sent them: it may have sent anything. */
function readCall(
  { name, positional }: Readonly<Record<string, unknown>>,
  payload: Uint8Array,
): { readonly name: string; readonly args: Uint8Array; readonly kwargs: Uint8Array | null } {
  const at = typeof positional === "number" && Number.isInteger(positional) ? positional : -1;
  const [args, kwargs] = [payload.subarray(0, Math.max(0, at)), payload.subarray(Math.max(0, at))];
  const isCall =
    typeof name === "string" &&
    at <= payload.length &&
    args[0] === OPEN_ARRAY &&
    isJson(args) &&
    (kwargs.length === 0 || (kwargs[0] === OPEN_OBJECT && isJson(kwargs)));
  if (!isCall) throw new EffectError("EINVAL", "a call of a tool that can't be understood");
  return { name, args, kwargs: kwargs.length === 0 ? null : kwargs };
}

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();

/** What a host said, which may be in another language or wrong. What reading it throws is the caller's. */
function readAnswer(tool: string, answer: unknown, scrub: (text: string) => string): Outcome {
  const { ok, json, type, message } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  if (ok === true && typeof json === "string") {
    const bytes = json.length > LIMITS.effectBytes ? null : Buffer.from(json);
    if (!bytes || bytes.length > LIMITS.effectBytes)
      return {
        ok: false,
        type: "LimitExceeded",
        message: `the result of the tool ${tool} takes more than the ${grouped(LIMITS.effectBytes)} bytes of JSON that are allowed`,
      };
    return isJson(bytes)
      ? { ok: true, json: bytes }
      : {
          ok: false,
          type: "InvalidResult",
          message: `the result of the tool ${tool} is no JSON, or nested deeper than ${grouped(LIMITS.valueDepth)} levels`,
        };
  }
  if (ok !== false || typeof type !== "string" || typeof message !== "string") return failed(tool);
  return {
    ok,
    type: cutText(scrub(type), MOST_TYPE) || TOOL_FAILED,
    message: cutText(scrub(message), LIMITS.toolMessageCharacters),
  };
}

/** Characters of the name of a class. */
const MOST_TYPE = 200;

function unknownTool(name: string, names: readonly string[], guess: boolean): string {
  const what = `there is no tool ${JSON.stringify(cutText(name, 64))}`;
  if (names.length === 0) return `${what}: this run was given no tools`;
  const meant = guess ? nearest(name, names.slice(0, 1000)) : null;
  if (meant !== null) return `${what}; did you mean ${JSON.stringify(meant)}?`;
  const more = names.length - MOST_LISTED;
  const listed = names.slice(0, MOST_LISTED).join(", ") + (more > 0 ? ` and ${grouped(more)} more` : "");
  return `${what}; there ${names.length === 1 ? "is" : "are"}: ${listed}`;
}

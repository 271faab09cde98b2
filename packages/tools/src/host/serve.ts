/** One call of a tool: bound, validated, decided on, carried out. */
import { cutText, LIMITS, type Line, type ToolAnswer, type ToolCall } from "@capsule-run/protocol";
import { exposed, type Gate, type ToolContext } from "../declare/index.ts";
import { type Bind, readArguments } from "./arguments.ts";
import { askGate } from "./gate.ts";
import { Refusal, told } from "./problem.ts";
import type { Validator } from "./schema.ts";
import { begin, CANCELLED, type Most, waitFor } from "./wait.ts";

/** A tool that is ready to be called. */
export interface Ready {
  readonly name: string;
  readonly bind: Bind;
  /** Whether it takes one input, rather than a list of arguments. */
  readonly single: boolean;
  readonly input: Validator | null;
  /** Milliseconds for the work; null: as long as somebody waits. */
  readonly timeoutMs: number | null;
  /**
   * Does what the tool does, with valid values, and gives its result as JSON text.
   * @throws Refusal, or what a handler throws
   */
  work(values: readonly unknown[], call: ToolCall, context: ToolContext): Promise<string>;
}

/** What the calls of all tools of a run share. */
export interface Serving {
  readonly gate: Gate | null;
  /** Whether arguments go on as the text they are. */
  readonly kept: boolean;
  /** So much of the host's own code can be at work at once. */
  readonly line: Line;
  /** Hears of a gate that failed. */
  report(message: string): void;
}

/** Never rejects: what went wrong is the answer, in words for the program. */
export async function serveCall(
  tool: Ready,
  call: ToolCall,
  stop: AbortSignal,
  serving: Serving,
): Promise<ToolAnswer> {
  const work: Promise<unknown>[] = [];
  const leave = await serving.line.enter(stop);
  if (!leave) return { ok: false, type: "Cancelled", message: CANCELLED };
  try {
    return { ok: true, json: await carryOut(tool, call, stop, serving, work) };
  } catch (error) {
    const { type, message } = error instanceof Refusal ? error : exposed(error, tool.name);
    return { ok: false, type, message: cutText(message, LIMITS.toolMessageCharacters) };
  } finally {
    // Work that was given up may go on: until it ends it has its place, or a program could start any number of it.
    void Promise.allSettled(work).then(leave);
  }
}

async function carryOut(
  tool: Ready,
  call: ToolCall,
  stop: AbortSignal,
  { gate, kept, report }: Serving,
  begun: Promise<unknown>[],
): Promise<string> {
  const bound = (): readonly unknown[] => {
    const { args, named } = readArguments(call.args, call.kwargs, kept);
    return tool.bind(args, named);
  };
  const wait = <T>(work: (signal: AbortSignal) => T | Promise<T>, most: Most | null = null): Promise<T> =>
    waitFor(
      (signal) => {
        const working = begin(() => work(signal));
        begun.push(working);
        return working;
      },
      stop,
      most,
    );
  const about = { run: call.run, task: call.task, path: call.path };
  let values = await wait(() => valid(tool, bound()));
  if (gate) {
    // Its own copy: what it does to it is no decision.
    const args = bound();
    const changed = await wait((signal) =>
      askGate(
        gate,
        { ...about, signal, tool: tool.name, args, input: tool.single ? args[0] : undefined },
        report,
      ),
    );
    if (changed) {
      const given = "args" in changed ? changed.args : [changed.input];
      values = await wait(() => valid(tool, given));
    }
  }
  const most =
    tool.timeoutMs === null
      ? null
      : { ms: tool.timeoutMs, late: `the tool ${tool.name} took longer than ${tool.timeoutMs} ms` };
  return wait((signal) => tool.work(values, call, { ...about, signal }), most);
}

/** @throws Refusal `InvalidInput` */
async function valid(tool: Ready, values: readonly unknown[]): Promise<readonly unknown[]> {
  if (!tool.input) return values;
  const checked = await tool.input.check(values[0]);
  if (checked.ok) return [checked.value];
  throw new Refusal("InvalidInput", `${tool.name}: ${told("input", checked.problems)}`);
}

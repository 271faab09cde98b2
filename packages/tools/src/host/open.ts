import {
  cutText,
  LIMITS,
  Line,
  parseTimeout,
  type ToolAnswer,
  type ToolCall,
  type ToolHost,
  UsageError,
} from "@capsule-run/protocol";
import { checkTools, type Gate, type JsonSchema, type Tool, type Tools } from "../declare/index.ts";
import { bindFunction, bindInput } from "./arguments.ts";
import { Refusal } from "./problem.ts";
import { checkResultText, resultText } from "./result.ts";
import { openSchema } from "./schema.ts";
import { type Ready, type Serving, serveCall } from "./serve.ts";

export interface ToolsRequest {
  readonly tools: Tools;
  /** Decides on each call. Default: all are allowed. */
  readonly gate?: Gate | undefined;
  /** Hears of a gate that failed. Default: nobody. */
  readonly report?: ((message: string) => void) | undefined;
}

/**
 * Makes what a run takes of functions of this process.
 * @throws UsageError `tool` for what is no tool, or a schema that is none
 */
export async function openTools({ tools, gate, report = () => {} }: ToolsRequest): Promise<ToolHost> {
  checkTools("run", tools);
  const ready = Object.entries(tools).map(([name, tool]) =>
    typeof tool === "function" ? readyFunction(name, tool, tools) : readyTool(name, tool),
  );
  return hostOf(await Promise.all(ready), { gate: gate ?? null, kept: false, report });
}

/** A tool whose work is done elsewhere, by arguments and results that stay JSON text. */
export interface RemoteTool {
  readonly name: string;
  readonly description?: string | null | undefined;
  /** Names of positional arguments; null: it takes one value. */
  readonly parameters?: readonly string[] | null | undefined;
  readonly input?: JsonSchema | null | undefined;
  readonly output?: JsonSchema | null | undefined;
}

/**
 * Makes what a run takes of functions that somebody else has: calls that are valid are handed on as they came, and
 * results are validated.
 * @throws UsageError `tool` for what is no tool, a schema that is none, or two of one name
 */
export async function openRemoteTools(
  tools: readonly RemoteTool[],
  perform: (call: ToolCall, stop: AbortSignal) => Promise<ToolAnswer>,
): Promise<ToolHost> {
  const seen = new Set<string>();
  for (const { name } of tools) {
    if (seen.has(name)) throw new UsageError("tool", `run: there are two tools "${name}"`);
    seen.add(name);
  }
  const ready = await Promise.all(
    tools.map(async (given): Promise<Ready> => {
      const { name, description, parameters } = given;
      const tool = {
        description: description ?? undefined,
        parameters: parameters ?? undefined,
        input: given.input ?? undefined,
        output: given.output ?? undefined,
      };
      checkTools("run", { [name]: { ...tool, handler: () => {} } });
      const { input, output } = await schemasOf(name, tool);
      return {
        ...{ name, input, single: true, timeoutMs: null },
        bind: bindInput(name, tool),
        async work(_, call, { signal }) {
          const answer = await perform(call, signal);
          if (!answer.ok) throw new Refusal(answer.type, answer.message);
          await checkResultText(name, answer.json, output);
          return answer.json;
        },
      };
    }),
  );
  return hostOf(ready, { gate: null, kept: true, report: () => {} });
}

const hostOf = (ready: readonly Ready[], about: Omit<Serving, "line">): ToolHost => {
  const serving = { ...about, line: new Line(LIMITS.toolCallsAtOnce) };
  const byName = new Map(ready.map((tool) => [tool.name, tool]));
  return {
    names: [...byName.keys()],
    async call(call, stop) {
      const tool = byName.get(call.name);
      if (tool) return serveCall(tool, call, stop, serving);
      // The runtime asks for no other; it has words for what was probably meant.
      return { ok: false, type: "UnknownTool", message: `there is no tool ${cutText(call.name, 60)}` };
    },
  };
};

/** @param owner what it is a method of */
function readyFunction(name: string, fn: (...args: never[]) => unknown, owner: object): Ready {
  return {
    ...{ name, input: null, single: false, timeoutMs: null },
    bind: bindFunction(name, fn),
    work: async (values) => resultText(name, await Reflect.apply(fn, owner, values), null),
  };
}

async function readyTool(name: string, tool: Tool): Promise<Ready> {
  const { input, output } = await schemasOf(name, tool);
  const timeout = tool.timeout === undefined ? null : parseTimeout(tool.timeout);
  return {
    ...{ name, input, single: true, timeoutMs: timeout?.ok ? timeout.value : null },
    bind: bindInput(name, tool),
    async work([value], _, context) {
      const result = await (tool.handler as (input: unknown, context: unknown) => unknown)(value, context);
      return resultText(name, result, output);
    },
  };
}

async function schemasOf(name: string, tool: Pick<Tool, "input" | "output">) {
  const of = (side: "input" | "output") => openSchema(`the ${side} of the tool "${name}"`, tool[side]);
  return { input: await of("input"), output: await of("output") };
}

/** Tools: functions of the host that a program calls by `tools.NAME(...)`. */
import { TOOL_FAILED, TOOL_REFUSALS, type ToolFailure } from "@capsule-run/protocol";
import { toolsObject } from "../calling-tools.ts";
import type { EffectFailed } from "../effects.ts";
import type { Kit } from "../library.ts";

interface ToolErrorOptions {
  readonly type?: string | undefined;
  readonly tool?: string | undefined;
  readonly cause?: unknown;
}

/** What a call rejects with whose tool failed, or that was refused: the class of `@capsule-run/sdk`, as far as a program sees. */
class ToolError extends Error {
  /** The tool's name. */
  readonly tool: string | undefined;
  /** What kind of failure it is: see `ToolFailure`. */
  readonly type: string;

  constructor(message: string, { type = "ToolError", tool, ...more }: ToolErrorOptions = {}) {
    super(message, more);
    this.tool = tool;
    this.type = type;
  }
}
Object.defineProperty(ToolError.prototype, "name", {
  value: "ToolError",
  writable: true,
  configurable: true,
});

export const make = (kit: Kit): unknown => {
  /**
   * Calls a tool. @param place gives an error of ours the frames of the program that called
   * @throws TypeError for arguments that JSON can't hold, `ToolError`, and whatever an argument's own code throws
   */
  const ask = async (
    tool: string,
    args: readonly unknown[],
    place: <E extends Error>(error: E) => E,
  ): Promise<unknown> => {
    if (!kit.isRunning())
      throw place(
        new Error(
          `the tool ${JSON.stringify(tool)} was called while the program is loading; call it from inside a task`,
        ),
      );
    const json = kit.argumentsJson(tool, args, "tool");
    if (!json.ok) throw place(new TypeError(json.problem));
    const payload = kit.encode(json.text, "utf8");
    const { head, payload: result } = await kit
      .effect("tool.call", { name: tool, positional: payload.length }, payload)
      .catch(({ code, message }: EffectFailed) => {
        throw place(failure(tool, { type: typeOf(code), message }));
      });
    if (head.threw !== null) throw place(failure(tool, head.threw));
    return JSON.parse(kit.decode(result, "utf8"));
  };

  const call = (tool: string, args: readonly unknown[]): Promise<unknown> => {
    const frames = kit.framesHere(call);
    return ask(tool, args, (error) => {
      kit.setFrames(error, frames);
      return error;
    });
  };

  return { tools: toolsObject(call), ToolError };
};

const failure = (tool: string, { type, message }: ToolFailure): ToolError =>
  new ToolError(message, { tool, type });

const typeOf = (code: string): string =>
  Object.hasOwn(TOOL_REFUSALS, code) ? TOOL_REFUSALS[code as keyof typeof TOOL_REFUSALS] : TOOL_FAILED;

/** The object whose properties are the tools, the same in a sandbox and in plain Node. */
import { RESERVED_TOOL_NAMES } from "@capsule-run/protocol";

/** What the tool `name` does with the arguments it is called with. */
export type CallTool = (name: string, args: readonly unknown[]) => Promise<unknown>;

/** Whether a property of the object means something else to the language, and no tool. */
const isReserved = (name: string): boolean => RESERVED_TOOL_NAMES.includes(name) || name.startsWith("__");

/**
 * An object each of whose properties is a function that calls the tool of that name. Which tools there are only the host
 * knows: calling one that is not there rejects. Awaiting the object, printing it or writing it as JSON calls nothing.
 */
export function toolsObject(call: CallTool): object {
  return new Proxy(Object.freeze(Object.create(null)), {
    get(_, name) {
      if (name === Symbol.toPrimitive) return () => "[tools]";
      if (typeof name === "symbol" || isReserved(name)) return undefined;
      const tool = (...args: unknown[]): Promise<unknown> => call(name, args);
      Object.defineProperty(tool, "name", { value: name, configurable: true });
      return tool;
    },
  });
}

/** Functions of the host that a run may call, whatever language they are in. */

/** The tools of one run. */
export interface ToolHost {
  /** Names by which a task calls them, each as `isToolName` has it. Read once, at the first call. */
  readonly names: readonly string[];
  /**
   * Calls one; `stop` is aborted when nobody waits for it any more, and what it gives then is for nobody. Must not
   * reject: a guest hears of a rejection only that the tool failed.
   */
  call(call: ToolCall, stop: AbortSignal): Promise<ToolAnswer>;
}

/** A task's call of a tool. What it says is the guest's word, and JSON as `isJson` has it. */
export interface ToolCall {
  readonly run: string;
  readonly task: string;
  /** Of the call itself: `0.3` is the third call that `main` made. */
  readonly path: string;
  /** One of `ToolHost.names`. */
  readonly name: string;
  /** JSON text of an array. */
  readonly args: string;
  /** JSON text of an object: arguments by name, as Python has them; null: none. */
  readonly kwargs: string | null;
}

/** What came of it: JSON text on one line, or what the guest may know of a failure. */
export type ToolAnswer =
  | { readonly ok: true; readonly json: string }
  | ({ readonly ok: false } & ToolFailure);

/** What a guest gets to know of a failure, as its `ToolError`. */
export interface ToolFailure {
  /** What kind of failure it is: the name of a class, `Denied`, or one of `TOOL_REFUSALS`. */
  readonly type: string;
  readonly message: string;
}

/** Codes of what fails before a tool has answered, and the `type` of the guest's `ToolError`; others are `ToolFailed`. */
export const TOOL_REFUSALS = {
  /** There is no such tool. */
  ENOENT: "UnknownTool",
  /** A limit; the message names it. */
  ELIMIT: "LimitExceeded",
  EFBIG: "LimitExceeded",
  /** Nobody waits for it any more. */
  EABORTED: "Cancelled",
} as const;

/** The `type` of a failure of which nothing may be known. */
export const TOOL_FAILED = "ToolFailed";

/**
 * Names that no tool can have, and that are none when a program asks for them: what awaiting the object of all tools,
 * printing it or writing it as JSON would ask for. Nor can those that begin with `__`.
 */
export const RESERVED_TOOL_NAMES: readonly string[] = [
  ...["then", "constructor", "prototype", "toJSON", "toString", "toLocaleString", "valueOf"],
  ...["hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"],
];

/** Whether a tool can have this name: 1 to 64 letters, digits, `_` and `-`, the first one a letter or `_`; not reserved. */
export const isToolName = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(name) &&
  !name.startsWith("__") &&
  !RESERVED_TOOL_NAMES.includes(name);

const BRAND = Symbol.for("capsule.ToolError");

/** Names of errors that a program may see. */
const TYPE = /^[A-Za-z_$][\w$.]{0,99}$/;

/**
 * What a tool's handler throws so that the program hears of it: `throw new ToolError("no such item", { type: "NotFound" })`.
 * Type and message reach the program as they are; of any other exception it hears the class only. In a program, inside a
 * sandbox, it is what a call of a tool that failed throws.
 */
export class ToolError extends Error {
  override readonly name: string = "ToolError";
  /** What kind of failure it is, for the program to tell it from others: `"NotFound"`. Default: `"ToolError"`. */
  readonly type: string;
  /** The tool that failed; undefined outside a sandbox. */
  readonly tool: string | undefined;

  constructor(
    message: string,
    options: {
      readonly type?: string | undefined;
      readonly tool?: string | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = options.type ?? "ToolError";
    this.tool = options.tool;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether a handler threw it on purpose. Not `instanceof`: the class may come from another copy of this module. */
const isToolError = (error: unknown): error is ToolError =>
  error instanceof Error && (error as { readonly [BRAND]?: unknown })[BRAND] === true;

/**
 * What a program may know of an exception: its class, and its message if it is a `ToolError`. Asks nothing of it that
 * could throw.
 */
export function exposed(error: unknown, name: string): { readonly type: string; readonly message: string } {
  const hidden = `the tool ${name} failed`;
  try {
    if (!isToolError(error)) return { type: className(error), message: hidden };
    return { type: nameOr(error.type, "ToolError"), message: String(error.message) };
  } catch {
    return { type: "Error", message: hidden };
  }
}

const className = (error: unknown): string =>
  error instanceof Error ? nameOr(error.constructor.name, "Error") : "Error";

const nameOr = (value: unknown, otherwise: string): string =>
  typeof value === "string" && TYPE.test(value) ? value : otherwise;

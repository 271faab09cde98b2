/** What tools are declared with. These types are public, and ask for no type of a platform or of a library. */

/** A schema of zod 4, valibot, or whatever else keeps to https://standardschema.dev. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A JSON Schema, of the draft that its `$schema` names: 2020-12, which is the default, or draft-07. */
export type JsonSchema =
  | boolean
  | { readonly [keyword: string]: unknown; readonly "~standard"?: undefined }
  // Types of schemas are often interfaces, which have no index signature.
  | (object & { readonly "~standard"?: undefined });

/** The platform's `AbortSignal`; where its types are not there, what is used of it. */
export type ToolSignal = typeof globalThis extends { readonly AbortSignal: { readonly prototype: infer S } }
  ? S
  : {
      readonly aborted: boolean;
      addEventListener(type: "abort", listener: () => void): void;
      removeEventListener(type: "abort", listener: () => void): void;
    };

/** What a handler is told beside its input. */
export interface ToolContext {
  /** Aborted when nobody waits for the answer any more: the task ended, the run was cancelled, `timeout` is over. */
  readonly signal: ToolSignal;
  /** The run's id. */
  readonly run: string;
  /** The task that calls. */
  readonly task: string;
  /** Of the call: `0.3` is the third call that `main` made. */
  readonly path: string;
}

/** What all tools may say of themselves. */
export interface ToolFields {
  /** What it does, for whoever writes the program: `describeTools` shows it. */
  readonly description?: string | undefined;
  /**
   * Names of positional arguments: those that are given by position get these names in the input object. Default: a tool
   * takes its input as one value.
   */
  readonly parameters?: readonly string[] | undefined;
  /** Time of the handler: `"30s"`, or milliseconds. Default: the task's. */
  readonly timeout?: string | number | undefined;
}

/** A tool that `tool()` made; a function alone is one, too. */
export interface Tool extends ToolFields {
  readonly input?: StandardSchema | JsonSchema | undefined;
  readonly output?: StandardSchema | JsonSchema | undefined;
  readonly handler: (input: never, context: ToolContext) => unknown;
}

/** Functions that a program may call, by the names it calls them by. */
export interface Tools {
  readonly [name: string]: Tool | ((...args: never[]) => unknown);
}

/** A call that a gate decides on. Its values are copies: changing them changes nothing. */
export interface GateCall extends ToolContext {
  readonly tool: string;
  /** As the tool would get them: by position, or the input alone where it takes one. */
  readonly args: readonly unknown[];
  /** The input of a tool that was made by `tool()`, as the program gave it; else undefined. */
  readonly input: unknown;
}

/** `args` and `input` take the place of what the program gave, and are validated like it; give one of them or none. */
export type GateDecision =
  | {
      readonly decision: "allow";
      readonly args?: readonly unknown[] | undefined;
      readonly input?: unknown;
    }
  | {
      readonly decision: "deny";
      /** Told to the program. */
      readonly reason?: string | undefined;
    };

/** Decides on each call, once its input is known to be valid. It may take as long as a human does. */
export type Gate = (call: GateCall) => GateDecision | Promise<GateDecision>;

/** Input side and output side of a Standard Schema's type. */
type InputOf<S> = S extends { readonly "~standard": { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly input: infer I }
    ? I
    : unknown
  : unknown;
type OutputOf<S> = S extends { readonly "~standard": { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer O }
    ? O
    : unknown
  : unknown;

type Awaitable<T> = T | Promise<T>;

/** The type of `tool`: schemas of a Standard Schema library give the handler its types. */
export interface DefineTool {
  <I extends StandardSchema, O extends StandardSchema>(
    definition: ToolFields & {
      readonly input: I;
      readonly output: O;
      readonly handler: (input: OutputOf<I>, context: ToolContext) => Awaitable<InputOf<O>>;
    },
  ): Tool;
  <I extends StandardSchema>(
    definition: ToolFields & {
      readonly input: I;
      readonly output?: JsonSchema | undefined;
      readonly handler: (input: OutputOf<I>, context: ToolContext) => unknown;
    },
  ): Tool;
  <O extends StandardSchema, T = unknown>(
    definition: ToolFields & {
      readonly input?: JsonSchema | undefined;
      readonly output: O;
      readonly handler: (input: T, context: ToolContext) => Awaitable<InputOf<O>>;
    },
  ): Tool;
  <T = unknown>(
    definition: ToolFields & {
      readonly input?: JsonSchema | undefined;
      readonly output?: JsonSchema | undefined;
      readonly handler: (input: T, context: ToolContext) => unknown;
    },
  ): Tool;
}

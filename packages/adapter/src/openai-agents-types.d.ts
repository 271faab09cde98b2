/**
 * What we use of `@openai/agents`, so that Capsule is built without its sixty megabytes. The tests compile what is
 * published against the real package.
 */
declare module "@openai/agents" {
  export interface FunctionTool<Context, Parameters, Result> {
    readonly type: "function";
    readonly name: string;
    readonly description: string;
    invoke(context: Context, input: string): Promise<string | Result>;
    readonly parametersType?: Parameters;
  }
  export function tool<Parameters, Input, Result>(options: {
    readonly name: string;
    readonly description: string;
    readonly parameters: Parameters;
    readonly needsApproval: boolean | ((context: unknown, input: Input) => Promise<boolean>);
    readonly execute: (
      input: Input,
      context?: unknown,
      details?: { readonly signal?: AbortSignal },
    ) => Promise<Result>;
  }): FunctionTool<unknown, Parameters, Result>;
}

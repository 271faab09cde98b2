/** What the bundler puts in place of `@capsule-run/sdk` in programs. A name that is not here is a compile error. */
const given = (name: string): unknown => (globalThis as { [key: symbol]: unknown })[Symbol.for(name)];

export const task: unknown = given("capsule.task");

/** Loads a part of the library: only for programs that use it. */
const toolsPart = (): { readonly tools: unknown; readonly ToolError: unknown } =>
  given("capsule.tools") as ReturnType<typeof toolsPart>;

export const tools: unknown = /* @__PURE__ */ (() => toolsPart().tools)();
export const ToolError: unknown = /* @__PURE__ */ (() => toolsPart().ToolError)();

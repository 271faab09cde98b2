/** What the bundler puts in place of `@capsule-run/sdk` in programs. A name that is not here is a compile error. */
export const task: unknown = (globalThis as { [key: symbol]: unknown })[Symbol.for("capsule.task")];

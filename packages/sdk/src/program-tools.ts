/** The types of `tools`. */

/**
 * The tools that a program calls, by their names: none are known, unless the program says which there are.
 *
 * ```ts
 * declare module "@capsule-run/sdk" {
 *   interface ProgramTools {
 *     search(query: string): Promise<string[]>;
 *   }
 * }
 * ```
 *
 * Where none are declared every name may be called, with any arguments, and gives what is asked for:
 * `await tools.search<string[]>("tea")`. With the compiler's option `noUncheckedIndexedAccess` they have to be declared.
 */
// biome-ignore lint/suspicious/noEmptyInterface: programs add to it
export interface ProgramTools {}

/** A tool of which nothing is known. */
export type UndeclaredTool = <T = unknown>(...args: readonly unknown[]) => Promise<T>;

/** The type of `tools`. */
export type CallableTools = [keyof ProgramTools] extends [never]
  ? { readonly [name: string]: UndeclaredTool }
  : Readonly<ProgramTools>;

import { shown, UsageError } from "@capsule-run/protocol";
import { checkTools, type Tools } from "../declare/index.ts";
import { describeInPython } from "./python.ts";
import { shapesOf, type ToolShape } from "./shape.ts";
import { describeInTypeScript } from "./typescript.ts";

const LANGUAGES: Readonly<Record<string, (tools: readonly ToolShape[]) => string>> = {
  typescript: describeInTypeScript,
  python: describeInPython,
};

/**
 * What a program sees of tools, for the prompt of a model that is to write one: a declaration in TypeScript, or a stub in
 * Python, with descriptions as comments. Types come from JSON Schemas; what has none is `unknown` or `Any`.
 *
 * ```ts
 * const prompt = `Write a program that … It can use:\n${describeTools(tools, "python")}`;
 * ```
 * @throws UsageError `tool` for what are no tools, or another language
 */
export function describeTools(tools: Tools, language: "typescript" | "python"): string {
  checkTools("describeTools", tools);
  if (!Object.hasOwn(LANGUAGES, language))
    throw new UsageError(
      "tool",
      `describeTools: the language is ${shown(language)}; allowed: "typescript", "python"`,
    );
  return (LANGUAGES[language] as (tools: readonly ToolShape[]) => string)(shapesOf(tools));
}

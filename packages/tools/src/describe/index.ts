import { shown, UsageError } from "@capsule-run/protocol";
import { checkTools, type Tools } from "../declare/index.ts";
import { describeInPython } from "./python.ts";
import { shapesOf, type ToolShape } from "./shape.ts";
import { declareInTypeScript, describeInTypeScript } from "./typescript.ts";

const FORMS: Readonly<Record<string, (tools: readonly ToolShape[]) => string>> = {
  typescript: describeInTypeScript,
  python: describeInPython,
  "d.ts": declareInTypeScript,
};

/**
 * What a program sees of tools, as text. Types come from JSON Schemas; what has none is `unknown` or `Any`.
 *
 * For the prompt of a model that is to write the program there are a declaration in `"typescript"` and a stub in `"python"`,
 * with descriptions as comments:
 *
 * ```ts
 * const prompt = `Write a program that … It can use:\n${describeTools(tools, "python")}`;
 * ```
 *
 * `"d.ts"` is the text of a file for TypeScript's compiler: in a project that has it, `tools` of `@capsule-run/sdk` is typed.
 *
 * ```ts
 * writeFileSync("tools.d.ts", describeTools(tools, "d.ts"));
 * ```
 * @throws UsageError `tool` for what are no tools, or another form
 */
export function describeTools(tools: Tools, form: "typescript" | "python" | "d.ts"): string {
  checkTools("describeTools", tools);
  const describe = Object.hasOwn(FORMS, form) ? FORMS[form] : undefined;
  if (!describe)
    throw new UsageError(
      "tool",
      `describeTools: the form is ${shown(form)}; allowed: ${Object.keys(FORMS).map(shown).join(", ")}`,
    );
  return describe(shapesOf(tools));
}

/** What is known of a tool, whatever language it is in. */
import {
  type JsonSchema,
  type Parameter,
  parametersOf,
  type StandardSchema,
  type Tool,
  type Tools,
} from "../declare/index.ts";

/** A tool as descriptions have it: without its function. */
export interface ToolShape {
  readonly name: string;
  readonly description: string | null;
  /** Names of positional arguments; null: it takes one input. */
  readonly parameters: readonly string[] | null;
  /** JSON Schemas; null: there is none. */
  readonly input: JsonSchema | null;
  readonly output: JsonSchema | null;
  /** Of a function alone; null: unclear. For other tools undefined. */
  readonly plain?: readonly Parameter[] | null;
}

/** Schemas of libraries are turned into JSON Schemas; one that can't be is as if there were none. */
export const shapesOf = (tools: Tools): readonly ToolShape[] =>
  Object.entries(tools).map(([name, tool]) =>
    typeof tool === "function"
      ? { name, description: null, parameters: null, input: null, output: null, plain: parametersOf(tool) }
      : shapeOf(name, tool),
  );

const shapeOf = (name: string, tool: Tool): ToolShape => ({
  name,
  description: tool.description ?? null,
  parameters: tool.parameters ?? null,
  input: jsonSchema(tool.input, "input"),
  output: jsonSchema(tool.output, "output"),
});

/** What libraries offer: https://standardschema.dev/json-schema, and zod's own method. */
interface Convertible {
  readonly "~standard"?: {
    readonly jsonSchema?: Readonly<Record<"input" | "output", (options: object) => unknown>>;
  };
  readonly toJSONSchema?: (options: object) => unknown;
}

/** A schema as a JSON Schema, of its own: `true` where it can't be had, null where there is no schema. */
function jsonSchema(
  schema: StandardSchema | JsonSchema | undefined,
  side: "input" | "output",
): JsonSchema | null {
  if (schema === undefined) return null;
  if (typeof schema === "boolean") return schema;
  const { "~standard": standard, toJSONSchema } = schema as Convertible;
  const loose = { unrepresentable: "any" };
  const ways: readonly (() => unknown)[] =
    standard === undefined
      ? [() => schema]
      : [
          () => standard.jsonSchema?.[side]({ target: "draft-2020-12", libraryOptions: loose }),
          () => toJSONSchema?.call(schema, { ...loose, io: side }),
        ];
  for (const way of ways)
    try {
      const made: unknown = JSON.parse(JSON.stringify(way()));
      if (typeof made === "boolean" || (typeof made === "object" && made !== null)) return made;
    } catch {
      // Not every schema has a JSON Schema.
    }
  return true;
}

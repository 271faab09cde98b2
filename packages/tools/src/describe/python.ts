/** Tools as a stub in Python. */
import { TypeNames, trailing } from "./names.ts";
import { description, type Field, SchemaReader, type Type } from "./read-schema.ts";
import type { ToolShape } from "./shape.ts";

const HEADER = `# from capsule import tools
# In async code every call is awaited: await tools.NAME(...)
from typing import Any, Literal, Never, NotRequired, TypedDict
`;
/** What a class can't be called, and what the text itself uses. */
const TAKEN = ["Any", "False", "Literal", "Never", "None", "NotRequired", "Tools", "True", "TypedDict"];
const KEYWORDS: ReadonlySet<string> = new Set([
  ...[
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
  ],
  ...["elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda"],
  ...["nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield"],
]);

const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !KEYWORDS.has(name);
/** A parameter's name: `self` has its place already, and names with two underscores first are a class's own. */
const isParameter = (name: string): boolean => isName(name) && name !== "self" && !name.startsWith("__");

/** The text of a class `Tools` with a method for each tool, and of the types that these mention. */
export function describeInPython(tools: readonly ToolShape[]): string {
  const names = new TypeNames(TAKEN);
  const classes: string[] = [];
  const methods = tools.map((tool) => method(tool, names, classes));
  // A class needs more in it than comments.
  if (!tools.some(({ name }) => isName(name))) methods.push("    ...");
  const body = `class Tools:\n${methods.join("\n")}`;
  return [HEADER, ...classes.map((text) => `${text}\n`), body, "", "tools: Tools", ""].join("\n");
}

function method(tool: ToolShape, names: TypeNames, classes: string[]): string {
  const input = new Writer(tool.input, tool.name, names, classes);
  const output = new Writer(tool.output, tool.name, names, classes);
  const { given, notes } = parameters(tool, input);
  const result = output.write(output.reader.root(), ["Result"]);
  const said = [...description(tool.description)];
  if (notes.length > 0)
    said.push(...(said.length > 0 ? [""] : []), "Args:", ...notes.map((note) => `    ${note}`));
  // What has no name in Python is called otherwise.
  if (!isName(tool.name)) {
    const call = `getattr(tools, ${JSON.stringify(tool.name)})(${given.join(", ")}) -> ${result}`;
    return [call, ...said.map((line) => `    ${line}`)].map((line) => `    # ${line}`.trimEnd()).join("\n");
  }
  const head = `    def ${tool.name}(${["self", ...given].join(", ")}) -> ${result}:`;
  return `${head}${said.length > 0 ? `\n${docstring(said)}` : " ..."}`;
}

/** The parameters of a method behind `self`, and what is said of them. */
function parameters(
  { plain, parameters: names, input: schema }: ToolShape,
  input: Writer,
): { readonly given: readonly string[]; readonly notes: readonly string[] } {
  if (plain !== undefined) {
    const clear = plain?.every(({ name }) => isParameter(name));
    if (!plain || !clear) return { given: ["*args: Any"], notes: [] };
    return {
      given: trailing(plain).map(({ name, optional }) => parameter(name, "Any", optional)),
      notes: [],
    };
  }
  const fields = input.reader.fields();
  if (fields === null && names === null)
    return schema === null || schema === true
      ? { given: ["input: Any = ...", "**kwargs: Any"], notes: [] }
      : { given: [parameter("input", input.write(input.reader.root(), ["Input"]), false)], notes: [] };
  const positional = names ?? [];
  const named = (fields ?? []).filter(({ name }) => !positional.includes(name));
  if (![...positional, ...named.map(({ name }) => name)].every(isParameter))
    return names === null
      ? { given: [parameter("input", input.write(input.reader.root(), ["Input"]), false)], notes: [] }
      : { given: ["*args: Any", "**kwargs: Any"], notes: [] };
  const typed = ({ name, type }: Field): string => input.write(type, ["Input", name]);
  const first = positional.map((name) => {
    const field = fields?.find((each) => each.name === name);
    return { name, field, optional: field?.required === false };
  });
  const given = trailing(first).map(({ name, field, optional }) =>
    parameter(name, field ? typed(field) : "Any", optional),
  );
  if (named.length > 0)
    given.push("*", ...named.map((field) => parameter(field.name, typed(field), !field.required)));
  const all = [...first.flatMap(({ field }) => field ?? []), ...named];
  return { given, notes: all.flatMap(({ name, note }) => (note === "" ? [] : [`${name}: ${note}`])) };
}

const parameter = (name: string, type: string, optional: boolean): string =>
  `${name}: ${type}${optional ? " = ..." : ""}`;

/** Writes the types of one schema. Objects become classes, above the tools. */
class Writer {
  readonly reader: SchemaReader;
  readonly #tool: string;
  readonly #names: TypeNames;
  readonly #classes: string[];
  readonly #written = new Map<number, string>();

  constructor(schema: unknown, tool: string, names: TypeNames, classes: string[]) {
    this.reader = new SchemaReader(schema);
    this.#tool = tool;
    this.#names = names;
    this.#classes = classes;
  }

  /** @param path the words that a class made for it is called by, behind the tool's name */
  write(type: Type, path: readonly string[]): string {
    switch (type.kind) {
      case "unknown":
        return "Any";
      case "never":
        return "Never";
      case "scalar":
        return SCALARS[type.name];
      case "literals":
        return literals(type.values);
      case "list":
        return `list[${this.write(type.item, path)}]`;
      case "tuple": {
        const items = [...type.items, ...(type.rest ? [type.rest] : [])];
        return `list[${items.length === 0 ? "Any" : this.#union(items, path)}]`;
      }
      case "record":
        return `dict[str, ${this.write(type.value, path)}]`;
      case "object": {
        const name = this.#names.make(this.#tool, ...path);
        this.#class(name, type.fields, path);
        return name;
      }
      case "union":
        return this.#union(type.of, path);
      case "definition":
        return this.#definition(type.index);
    }
  }

  #union(of: readonly Type[], path: readonly string[]): string {
    return [...new Set(of.map((each) => this.write(each, path)))].join(" | ");
  }

  /** Takes its place before the classes of its fields. */
  #class(name: string, fields: readonly Field[], path: readonly string[]): void {
    const at = this.#classes.push("") - 1;
    const members = fields.map((field) => {
      const type = this.write(field.type, [...path, field.name]);
      return { ...field, text: field.required ? type : `NotRequired[${type}]` };
    });
    if (!members.every((member) => isName(member.name) && !member.name.startsWith("__"))) {
      const items = members.map((member) => `${JSON.stringify(member.name)}: ${member.text}`);
      this.#classes[at] = `${name} = TypedDict(${JSON.stringify(name)}, {${items.join(", ")}})`;
      return;
    }
    const lines = members.map(
      (member) => `${member.note === "" ? "" : `    # ${member.note}\n`}    ${member.name}: ${member.text}`,
    );
    this.#classes[at] = `class ${name}(TypedDict):\n${lines.join("\n")}`;
  }

  #definition(index: number): string {
    const known = this.#written.get(index);
    if (known !== undefined) return known;
    const definition = this.reader.definitions[index];
    if (!definition) return "Any";
    const name = this.#names.make(this.#tool, definition.name);
    this.#written.set(index, name);
    if (definition.type.kind === "object") this.#class(name, definition.type.fields, [definition.name]);
    else {
      const at = this.#classes.push("") - 1;
      this.#classes[at] = `type ${name} = ${this.write(definition.type, [definition.name])}`;
    }
    return name;
  }
}

const SCALARS = { string: "str", number: "float", integer: "int", boolean: "bool", null: "None" } as const;

/** Numbers that are no integers can't be told apart in a type. */
function literals(values: readonly (string | number | boolean | null)[]): string {
  const shown = values.filter(
    (value) => value !== null && (typeof value !== "number" || Number.isSafeInteger(value)),
  );
  const text = shown.map((value) =>
    typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value),
  );
  const parts = text.length > 0 ? [`Literal[${text.join(", ")}]`] : [];
  if (values.some((value) => typeof value === "number" && !Number.isSafeInteger(value))) parts.push("float");
  if (values.includes(null)) parts.push("None");
  return parts.join(" | ");
}

/** A docstring that nothing in it can end. */
function docstring(lines: readonly string[]): string {
  const indent = " ".repeat(8);
  const text = lines.join("\n").replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"');
  const safe = (lines.length === 1 ? text.replace(/"$/, '\\"') : text).split("\n");
  const body = safe.map((line, at) => (at === 0 || line === "" ? line : `${indent}${line}`)).join("\n");
  return `${indent}"""${body}${lines.length === 1 ? "" : `\n${indent}`}"""`;
}

/** Tools as declarations in TypeScript. */
import { parameterNames, TypeNames, trailing } from "./names.ts";
import { description, type Field, SchemaReader, type Type } from "./read-schema.ts";
import type { ToolShape } from "./shape.ts";

const HEADER = '// import { tools } from "@capsule-run/sdk";';
const FILE_HEADER =
  '// Made of the tools of a host program, for programs that import { tools } from "@capsule-run/sdk".';
/** Characters of an object on one line. */
const MOST_INLINE = 80;

/** For who reads it: the object that a program imports. */
export function describeInTypeScript(tools: readonly ToolShape[]): string {
  const { types, members } = declarations(tools);
  return [HEADER, ...types, `declare const tools: ${members};`, ""].join("\n");
}

/**
 * For the compiler: a file whose types the SDK's own \`tools\` gets. An interface of the file's own is between them, because
 * in the module's block names would mean the SDK's types first.
 */
export function declareInTypeScript(tools: readonly ToolShape[]): string {
  const { types, members } = declarations(tools);
  return [
    FILE_HEADER,
    ...types,
    `interface HostTools ${members}`,
    'declare module "@capsule-run/sdk" {\n  interface ProgramTools extends HostTools {}\n}',
    "export {};",
    "",
  ].join("\n");
}

/** Types with names, and an object type of all tools. */
function declarations(tools: readonly ToolShape[]): {
  readonly types: readonly string[];
  readonly members: string;
} {
  const names = new TypeNames(["HostTools", "Promise", "Record"]);
  const types: string[] = [];
  const methods = tools.map((tool) => method(tool, names, types));
  return { types, members: methods.length === 0 ? "{}" : `{\n${methods.join("\n")}\n}` };
}

function method(tool: ToolShape, names: TypeNames, aliases: string[]): string {
  const input = new Writer(tool.input, tool.name, names, aliases);
  const output = new Writer(tool.output, tool.name, names, aliases);
  const { given, notes } = parameters(tool, input);
  const result = output.write(output.reader.root(), 1);
  const lines = [...description(tool.description), ...notes];
  return `${comment(lines, 1)}  ${key(tool.name)}(${given}): Promise<${result}>;`;
}

/** The parameters of a method, and what is said of them. */
function parameters(
  { plain, parameters: names, input: schema }: ToolShape,
  input: Writer,
): { readonly given: string; readonly notes: readonly string[] } {
  if (plain === null) return { given: "...args: unknown[]", notes: [] };
  if (plain !== undefined)
    return {
      given: trailing(plain)
        .map(({ name, optional }) => `${name}${optional ? "?" : ""}: unknown`)
        .join(", "),
      notes: [],
    };
  const fields = input.reader.fields();
  if (names === null) {
    const optional = schema === null || fields?.every(({ required }) => !required);
    return { given: `input${optional ? "?" : ""}: ${input.write(input.reader.root(), 1)}`, notes: [] };
  }
  const written = parameterNames(names);
  const list = names.map((name, at) => {
    const field = fields?.find((each) => each.name === name);
    return { name: written[at] as string, field, optional: field?.required === false };
  });
  return {
    given: trailing(list)
      .map(({ name, field, optional }) => {
        const type = field ? input.write(field.type, 1) : "unknown";
        return `${name}${optional ? "?" : ""}: ${type}`;
      })
      .join(", "),
    notes: list.flatMap(({ name, field }) =>
      field && field.note !== "" ? [`@param ${name} ${field.note}`] : [],
    ),
  };
}

/** Writes the types of one schema. What it refers to becomes types with names, above the tools. */
class Writer {
  readonly reader: SchemaReader;
  readonly #tool: string;
  readonly #names: TypeNames;
  readonly #aliases: string[];
  readonly #written = new Map<number, string>();

  constructor(schema: unknown, tool: string, names: TypeNames, aliases: string[]) {
    this.reader = new SchemaReader(schema);
    this.#tool = tool;
    this.#names = names;
    this.#aliases = aliases;
  }

  /** @param depth of the line it begins on */
  write(type: Type, depth: number): string {
    switch (type.kind) {
      case "unknown":
      case "never":
        return type.kind;
      case "scalar":
        return type.name === "integer" ? "number" : type.name;
      case "literals":
        return type.values.map((value) => JSON.stringify(value)).join(" | ");
      case "list":
        return `${grouped(this.write(type.item, depth), type.item)}[]`;
      case "tuple": {
        const items = type.items.map((item) => this.write(item, depth));
        if (type.rest) items.push(`...${grouped(this.write(type.rest, depth), type.rest)}[]`);
        return `[${items.join(", ")}]`;
      }
      case "record":
        return `Record<string, ${this.write(type.value, depth)}>`;
      case "object":
        return this.#object(type.fields, type.open, depth);
      case "union":
        return [...new Set(type.of.map((each) => this.write(each, depth)))].join(" | ");
      case "definition":
        return this.#definition(type.index);
    }
  }

  #object(fields: readonly Field[], open: boolean, depth: number): string {
    const members = fields.map(({ name, type, required, note }) => ({
      text: `${key(name)}${required ? "" : "?"}: ${this.write(type, depth + 1)}`,
      note,
    }));
    if (open) members.push({ text: "[key: string]: unknown", note: "" });
    const inline = `{ ${members.map(({ text }) => text).join("; ")} }`;
    const fits = members.every(({ text, note }) => note === "" && !text.includes("\n"));
    if (fits && [...inline].length <= MOST_INLINE) return inline;
    const indent = "  ".repeat(depth + 1);
    const lines = members.map(
      ({ text, note }) => `${comment(note === "" ? [] : [note], depth + 1)}${indent}${text};`,
    );
    return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
  }

  #definition(index: number): string {
    const known = this.#written.get(index);
    if (known !== undefined) return known;
    const definition = this.reader.definitions[index];
    if (!definition) return "unknown";
    const name = this.#names.make(this.#tool, definition.name);
    this.#written.set(index, name);
    const at = this.#aliases.push("") - 1;
    this.#aliases[at] = `type ${name} = ${this.write(definition.type, 0)};`;
    return name;
  }
}

const grouped = (text: string, { kind }: Type): string =>
  (kind === "union" || kind === "literals") && text.includes(" | ") ? `(${text})` : text;

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** A doc comment that nothing in it can end. */
function comment(lines: readonly string[], depth: number): string {
  const indent = "  ".repeat(depth);
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  if (safe.length === 0) return "";
  if (safe.length === 1) return `${indent}/** ${safe[0]} */\n`;
  const body = safe.map((line) => `${indent} * ${line}`.trimEnd());
  return `${[`${indent}/**`, ...body, `${indent} */`].join("\n")}\n`;
}

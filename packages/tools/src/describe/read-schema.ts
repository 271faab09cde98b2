/** A JSON Schema as a type that languages can write down. What types can't say, such as a minimum, is left out. */

export type Type =
  | { readonly kind: "unknown" | "never" }
  | { readonly kind: "scalar"; readonly name: "string" | "number" | "integer" | "boolean" | "null" }
  | { readonly kind: "literals"; readonly values: readonly Literal[] }
  | { readonly kind: "list"; readonly item: Type }
  | { readonly kind: "tuple"; readonly items: readonly Type[]; readonly rest: Type | null }
  | { readonly kind: "record"; readonly value: Type }
  | { readonly kind: "object"; readonly fields: readonly Field[]; readonly open: boolean }
  | { readonly kind: "union"; readonly of: readonly Type[] }
  /** One of the definitions, by its index. */
  | { readonly kind: "definition"; readonly index: number };

export type Literal = string | number | boolean | null;

export interface Field {
  readonly name: string;
  readonly type: Type;
  readonly required: boolean;
  /** What is said of it, its default included; empty: nothing. */
  readonly note: string;
}

/** What a schema refers to by `$ref`. */
export interface Definition {
  /** The last part of the reference. */
  readonly name: string;
  type: Type;
}

type Schema = Readonly<Record<string, unknown>>;

const UNKNOWN: Type = { kind: "unknown" };
const SCALARS: readonly unknown[] = ["string", "number", "integer", "boolean", "null"];
/** More values than this are no list to read. */
const MOST_LITERALS = 100;
const MOST_DEFAULT = 60;
/** References to references, and parts of parts. */
const MOST_DEPTH = 20;

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isLiteral = (value: unknown): value is Literal =>
  value === null || ["string", "number", "boolean"].includes(typeof value);

/** Reads one schema with all that it refers to. */
export class SchemaReader {
  readonly #root: unknown;
  /** In the order in which they were first referred to. */
  readonly definitions: Definition[] = [];
  readonly #known = new Map<string, number>();

  constructor(root: unknown) {
    this.#root = root;
  }

  /** The whole. */
  root(): Type {
    return this.#type(this.#root);
  }

  /** The fields of a schema that is an object, whatever it refers to for that; null: it is something else. */
  fields(): readonly Field[] | null {
    const schema = this.#merged(this.#root, 0);
    if (!schema || !isObjectSchema(schema) || !isSchema(schema.properties)) return null;
    return this.#fields(schema);
  }

  #type(value: unknown): Type {
    if (value === false) return { kind: "never" };
    if (!isSchema(value)) return UNKNOWN;
    if (typeof value.$ref === "string") return this.#reference(value.$ref);
    if ("const" in value) return literals([value.const]);
    if (Array.isArray(value.enum) && value.enum.length <= MOST_LITERALS) return literals(value.enum);
    for (const choices of [value.anyOf, value.oneOf])
      if (Array.isArray(choices)) return union(choices.map((choice) => this.#type(choice)));
    if (Array.isArray(value.allOf)) {
      const merged = this.#merged(value, 0);
      return merged ? this.#type(merged) : UNKNOWN;
    }
    if (Array.isArray(value.type)) return union(value.type.map((type) => this.#typed(type, value)));
    return this.#typed(value.type ?? implied(value), value);
  }

  #typed(type: unknown, schema: Schema): Type {
    if (SCALARS.includes(type)) return { kind: "scalar", name: type as "string" };
    if (type === "array") return this.#array(schema);
    if (type !== "object") return UNKNOWN;
    const { properties, additionalProperties } = schema;
    if (isSchema(properties) && Object.keys(properties).length > 0)
      return { kind: "object", fields: this.#fields(schema), open: isSchema(additionalProperties) };
    if (isSchema(schema.patternProperties)) return { kind: "record", value: UNKNOWN };
    return { kind: "record", value: this.#type(additionalProperties ?? true) };
  }

  #array({ prefixItems, items, additionalItems }: Schema): Type {
    const first = prefixItems ?? (Array.isArray(items) ? items : null);
    if (!Array.isArray(first)) return { kind: "list", item: this.#type(items ?? true) };
    const rest = first === items ? additionalItems : items;
    return {
      kind: "tuple",
      items: first.map((item) => this.#type(item)),
      rest: isSchema(rest) ? this.#type(rest) : null,
    };
  }

  #fields({ properties, required }: Schema): readonly Field[] {
    return Object.entries(properties as Schema).map(([name, property]) => ({
      name,
      type: this.#type(property),
      required: listOf(required).includes(name),
      note: noteOf(property),
    }));
  }

  #reference(reference: string): Type {
    const known = this.#known.get(reference);
    if (known !== undefined) return { kind: "definition", index: known };
    const target = this.#resolve(reference);
    if (target === undefined) return UNKNOWN;
    const index = this.definitions.length;
    const definition: Definition = { name: reference.split("/").at(-1) ?? "", type: UNKNOWN };
    this.definitions.push(definition);
    this.#known.set(reference, index);
    definition.type = this.#type(target);
    return { kind: "definition", index };
  }

  /** What a reference within the schema leads to; undefined: nothing. */
  #resolve(reference: string): unknown {
    if (!reference.startsWith("#")) return undefined;
    let found: unknown = this.#root;
    for (const part of reference.slice(1).split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
      found = (found as Schema)[name];
    }
    return found;
  }

  /** A schema without `$ref` and `allOf` at its top, where all parts are objects or there is one; null elsewhere. */
  #merged(value: unknown, depth: number): Schema | null {
    if (!isSchema(value) || depth > MOST_DEPTH) return null;
    if (typeof value.$ref === "string") return this.#merged(this.#resolve(value.$ref), depth + 1);
    if (!Array.isArray(value.allOf)) return value;
    const { allOf, ...own } = value;
    const parts = allOf.map((part) => this.#merged(part, depth + 1));
    if (isObjectSchema(own)) parts.push(own);
    const [only] = parts;
    if (parts.length === 1 && only) return only;
    if (!parts.every((part) => part !== null && isObjectSchema(part))) return null;
    return {
      type: "object",
      properties: Object.assign({}, ...parts.map((part) => part?.properties)),
      required: parts.flatMap((part) => listOf(part?.required)),
    };
  }
}

const isObjectSchema = (schema: Schema): boolean => (schema.type ?? implied(schema)) === "object";

/** The type of a schema that does not say it. */
function implied(schema: Schema): string | null {
  if ("properties" in schema || "additionalProperties" in schema) return "object";
  return "items" in schema || "prefixItems" in schema ? "array" : null;
}

const literals = (values: readonly unknown[]): Type =>
  values.length > 0 && values.every(isLiteral) ? { kind: "literals", values: [...new Set(values)] } : UNKNOWN;

const union = (of: readonly Type[]): Type => (of.length === 1 ? (of[0] as Type) : { kind: "union", of });

/** What a schema says of itself, on one line. */
function noteOf(property: unknown): string {
  if (!isSchema(property)) return "";
  const { description, default: otherwise } = property;
  const said = typeof description === "string" ? oneLine(description) : "";
  if (otherwise === undefined || !isLiteral(otherwise)) return said;
  const value = JSON.stringify(otherwise);
  if ([...value].length > MOST_DEFAULT) return said;
  return `${said}${said === "" ? "" : " "}Default: ${value}.`;
}

/** Lines of a text, without what would end a line or is no character to be seen. */
export const linesOf = (text: string): readonly string[] =>
  text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => line.replace(/\p{Cc}/gu, " ").trimEnd());

const oneLine = (text: string): string =>
  linesOf(text)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");

/** A description without empty lines at its ends; empty: there is none. */
export function description(text: string | null): readonly string[] {
  const lines = [...linesOf(text ?? "")];
  while (lines[0]?.trim() === "") lines.shift();
  while (lines.at(-1)?.trim() === "") lines.pop();
  return lines;
}

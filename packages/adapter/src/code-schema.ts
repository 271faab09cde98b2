/** What a model says to a tool that runs code, as a Standard Schema that is a JSON Schema, too: https://standardschema.dev */

/** What the model says. */
export interface CodeInput {
  readonly code: string;
}

type JsonSchema = Record<string, unknown>;

/** Both: frameworks ask for one of them. */
export interface CodeSchema {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: "capsule";
    readonly types?: { readonly input: CodeInput; readonly output: CodeInput } | undefined;
    readonly validate: (
      value: unknown,
    ) =>
      | { readonly value: CodeInput; readonly issues?: undefined }
      | { readonly issues: readonly { readonly message: string }[] };
    readonly jsonSchema: { readonly input: () => JsonSchema; readonly output: () => JsonSchema };
  };
}

/** @param about what is in `code`, for the model */
export function codeSchema(about: string): CodeSchema {
  const json = (): JsonSchema => ({
    type: "object",
    properties: { code: { type: "string", description: about } },
    required: ["code"],
    additionalProperties: false,
  });
  return {
    "~standard": {
      version: 1,
      vendor: "capsule",
      validate(value) {
        const code: unknown = (value as { readonly code?: unknown } | null | undefined)?.code;
        return typeof code === "string"
          ? { value: { code } }
          : { issues: [{ message: '"code" must be a string' }] };
      },
      jsonSchema: { input: json, output: json },
    },
  };
}

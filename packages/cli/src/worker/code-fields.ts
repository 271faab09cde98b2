/** Messages about code that somebody else wrote, a model for one: run at once, or call by call in a session. */
import type { RemoteTool } from "@capsule-run/tools";
import { type Field, type Fields, ID, isRecord, isText, PATH, SWITCH, TEXTS, VARIABLES } from "./fields.ts";
import { TOOLS } from "./tool-fields.ts";

/** The content of a file: text, or bytes in base64. */
export type Content = string | { readonly base64: string };

/** What a sandbox is opened with. Fields that are not there have the defaults of `packages/code`. */
interface SandboxFields {
  readonly language?: "python" | "javascript";
  readonly limits?: Readonly<Record<string, string | number>>;
  readonly hosts?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of its workspace, by path. */
  readonly files?: Readonly<Record<string, Content>>;
}

interface CallFields {
  readonly code: string;
  /** Functions of the client that it may call. */
  readonly tools?: readonly RemoteTool[];
  /** Whether what the code prints is sent as it is printed, too; default: true. */
  readonly output?: boolean;
}

export type FileOperation = "import" | "export" | "write" | "read" | "delete" | "list";

export type CodeMessage = { readonly id: string } & (
  | ({
      readonly type: "execute";
      /** On the host: a folder into which files that it wrote are copied. */
      readonly export_to?: string;
    } & CallFields &
      SandboxFields)
  | { readonly type: "code_load"; readonly language: "python" | "javascript" }
  | ({ readonly type: "session_open"; readonly session: string } & SandboxFields)
  | ({ readonly type: "session_run"; readonly session: string } & CallFields)
  | {
      readonly type: "session_file";
      readonly session: string;
      readonly operation: FileOperation;
      /** In the workspace. */
      readonly name?: string;
      /** On the host. */
      readonly path?: string;
      readonly data?: Content;
    }
  | { readonly type: "session_reset"; readonly session: string }
  | { readonly type: "session_close"; readonly session: string }
);

export type CodeMessageOf<T extends CodeMessage["type"]> = Extract<CodeMessage, { readonly type: T }>;

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

const isContent = (value: unknown): value is Content =>
  isText(value) ||
  (isRecord(value) &&
    Object.keys(value).join() === "base64" &&
    isText(value.base64) &&
    isBase64(value.base64));

const LANGUAGE: Field = {
  rule: (value) => value === "python" || value === "javascript",
  allowed: '"python" or "javascript"',
};
const CONTENT: Field = { rule: isContent, allowed: 'a string, or {"base64":…}' };

const SANDBOX: Fields = {
  language: LANGUAGE,
  limits: {
    rule: (value) =>
      isRecord(value) && Object.values(value).every((limit) => isText(limit) || typeof limit === "number"),
    allowed: "an object of strings and numbers",
  },
  hosts: TEXTS,
  env: VARIABLES,
  files: {
    rule: (value) => isRecord(value) && Object.values(value).every(isContent),
    allowed: `an object of contents, each ${CONTENT.allowed}`,
  },
};
const CALL: Fields = {
  code: { rule: isText, allowed: "a string", required: true },
  tools: TOOLS,
  output: SWITCH,
};

/** What each operation on files needs beside the session, and what it may have. */
export const OPERATIONS: Readonly<
  Record<FileOperation, { needs: readonly string[]; may: readonly string[] }>
> = {
  import: { needs: ["path"], may: ["name"] },
  export: { needs: ["name", "path"], may: [] },
  write: { needs: ["name", "data"], may: [] },
  read: { needs: ["name"], may: [] },
  delete: { needs: ["name"], may: [] },
  list: { needs: [], may: ["name"] },
};

/** The messages about code, field by field: part of the table in `protocol.ts`. */
export const CODE_FIELDS: Readonly<Record<CodeMessage["type"], Fields>> = {
  execute: { id: ID, ...CALL, ...SANDBOX, export_to: PATH },
  code_load: { id: ID, language: { ...LANGUAGE, required: true } },
  session_open: { id: ID, session: ID, ...SANDBOX },
  session_run: { id: ID, session: ID, ...CALL },
  session_file: {
    id: ID,
    session: ID,
    operation: {
      rule: (value) => isText(value) && Object.hasOwn(OPERATIONS, value),
      allowed: `one of ${Object.keys(OPERATIONS).join(", ")}`,
      required: true,
    },
    name: PATH,
    path: PATH,
    data: CONTENT,
  },
  session_reset: { id: ID, session: ID },
  session_close: { id: ID, session: ID },
};

export const isCodeType = (type: string): type is CodeMessage["type"] => Object.hasOwn(CODE_FIELDS, type);

/** What is missing in a message about files, or is too much, in words; null: nothing is. */
export function fileProblem(message: CodeMessageOf<"session_file">): string | null {
  const { needs, may } = OPERATIONS[message.operation];
  for (const field of ["name", "path", "data"] as const) {
    const there = message[field] !== undefined;
    if (needs.includes(field) && !there) return `the operation "${message.operation}" needs "${field}"`;
    if (there && !needs.includes(field) && !may.includes(field))
      return `the operation "${message.operation}" takes no "${field}"`;
  }
  return null;
}

/** Base64 as its bytes; text stays. */
export const bytesOf = (content: Content): string | Uint8Array =>
  isText(content) ? content : Buffer.from(content.base64, "base64");

import { z } from "zod";
import { MCP_LIMITS } from "./limits.ts";
import type { McpSettings } from "./settings.ts";

/** What MCP's clients show as images. Others, SVG among them, are text or files to them. */
const IMAGE_TYPES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export const isImageType = (type: string): boolean => IMAGE_TYPES.includes(type);

const code = z
  .string()
  .min(1)
  .max(MCP_LIMITS.codeCharacters)
  .describe("The source code to run. The value of its last expression is returned.");

const amount = z.union([z.string().max(40), z.number().positive()]);

/** What a call may ask for below the server's own limits. */
const wishes = ({ hosts }: McpSettings) => ({
  timeout: amount
    .optional()
    .describe('Less time than the server allows, such as "5s" or 5000 (milliseconds).'),
  ram: amount.optional().describe('Less memory than the server allows, such as "256MB".'),
  disk: amount.optional().describe('Less room for files than the server allows, such as "50MB".'),
  compute: amount.optional().describe('Less fuel than the server allows: "LOW", "MEDIUM" or an amount.'),
  allowed_hosts: z
    .array(z.string().max(300))
    .max(100)
    .optional()
    .describe(
      hosts.length === 0
        ? "This server allows none."
        : `Fewer hosts than the server allows (${hosts.join(", ")}); [] for no network.`,
    ),
});

const language = z.enum(["python", "javascript"]);

const sessionId = z.string().max(200).describe("As create_session or list_sessions gave it.");

const path = z
  .string()
  .max(MCP_LIMITS.pathCharacters)
  .describe('Relative to the workspace, with "/" between names, such as "data/a.csv".');

export const executeInput = (settings: McpSettings) => z.object({ code, ...wishes(settings) });

export const createSessionInput = (settings: McpSettings) =>
  z.object({ language: language.default("python"), ...wishes(settings) });

export const runInput = z.object({ session_id: sessionId, code });

export const listSessionsInput = z.object({});

export const closeInput = z.object({ session_id: sessionId });

export const writeInput = z.object({
  session_id: sessionId,
  path,
  content: z.string().max(Math.ceil((MCP_LIMITS.writeBytes * 4) / 3) + 4),
  encoding: z
    .enum(["text", "base64"])
    .default("text")
    .describe("What content is: the text itself, or base64."),
});

export const readInput = z.object({
  session_id: sessionId,
  path,
  offset: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("Of a text file: the character to begin at, as next_offset of the answer before said."),
});

export const listInput = z.object({
  session_id: sessionId,
  path: path.default("").describe("A folder in the workspace; default: all of it."),
});

const file = z.object({ path: z.string(), size: z.number().describe("In bytes.") });

const executionOutput = z.object({
  ok: z.boolean(),
  value: z.unknown().describe("The last expression's value if it is JSON and short, else null."),
  value_text: z.string().nullable().describe("How the language shows the value; null if there is none."),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean().describe("Whether something was cut or left out."),
  error: z
    .object({
      type: z
        .string()
        .describe('"exception", or what ended it: "timeout", "out_of_fuel", "out_of_memory", …'),
      name: z.string().nullable().describe('The class of an exception, such as "ValueError".'),
      message: z.string(),
      traceback: z.string().nullable(),
    })
    .nullable(),
  outputs: z
    .array(z.object({ type: z.string(), text: z.string() }))
    .describe("Rich forms that are no images."),
  files: z.array(file).describe("Files in workspace/ that the code wrote."),
  notice: z.string().nullable(),
  memory: z
    .enum(["kept", "rolled_back", "lost"])
    .nullable()
    .describe("Of a session: whether what the code changed in memory is there. Null without a session."),
  metrics: z.object({
    duration_ms: z.number(),
    fuel_consumed: z.number(),
    ram_used: z.number(),
    host_requests: z.number(),
  }),
});

export type ExecutionAnswer = z.infer<typeof executionOutput>;

const session = z.object({
  session_id: z.string(),
  language,
  age_seconds: z.number(),
  idle_seconds: z.number(),
  calls: z.number(),
  busy: z.boolean(),
});

export const OUTPUTS = {
  execution: executionOutput,
  session: z.object({ session_id: z.string(), language }),
  sessions: z.object({ sessions: z.array(session), max_sessions: z.number() }),
  closed: z.object({ session_id: z.string(), closed: z.boolean() }),
  written: file,
  read: z.object({
    path: z.string(),
    size: z.number().describe("Of the whole file, in bytes."),
    media_type: z.string(),
    encoding: z
      .enum(["text", "base64"])
      .describe("base64: the content is in the answer's image or resource."),
    text: z.string().nullable(),
    next_offset: z.number().nullable().describe("Where to read on; null at the end."),
  }),
  files: z.object({ files: z.array(file), total: z.number() }),
} as const;

import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import {
  harmless,
  isVariableName,
  LIMITS,
  type Parsed,
  parseSecretHosts,
  secretProblem,
  UsageError,
} from "@capsule-run/protocol";
import type { Environment } from "./environment.ts";

/** An entry of `[secrets]`. */
export interface SecretDeclaration {
  /** Of the variable that holds the placeholder. */
  readonly name: string;
  readonly hosts: readonly string[];
  readonly query: boolean;
  readonly body: boolean;
  readonly source: SecretSource;
}

/** Where a value comes from: the variable of the same name, a file, or what a command prints. */
export type SecretSource =
  | { readonly from: "environment" }
  /** Absolute, or relative to the project root. */
  | { readonly from: "file"; readonly path: string }
  /** Text is for the shell, a list is a program and its arguments. */
  | { readonly from: "command"; readonly command: string | readonly [string, ...string[]] };

const KEYS = ["hosts", "file", "command", "query", "body"];
const EXAMPLE = '{ hosts = ["api.example.com"] }';

const no = (allowed: string): { ok: false; allowed: string } => ({ ok: false, allowed });

/** What `NAME = value` in `[secrets]` declares. `allowed` says what the value has to be, and names the part that is not. */
export function parseSecret(name: string, value: unknown): Parsed<SecretDeclaration> {
  if (!isVariableName(name)) return no("named like an environment variable: letters, digits and _");
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date)
    return no(`a table with its hosts, such as ${EXAMPLE}; its value comes from the environment`);
  const given = value as Readonly<Record<string, unknown>>;
  const odd = Object.keys(given).find((key) => !KEYS.includes(key));
  if (odd !== undefined) return no(`a table of ${KEYS.join(", ")}: there is no "${odd}"`);
  const hosts = parseSecretHosts(given.hosts);
  if (!hosts.ok) return no(`a table such as ${EXAMPLE}, whose "hosts" is ${hosts.allowed}`);
  const { query = false, body = false } = given;
  if (typeof query !== "boolean") return no('a table whose "query" is true or false');
  if (typeof body !== "boolean") return no('a table whose "body" is true or false');
  const source = parseSource(given);
  return source.ok
    ? { ok: true, value: { name, hosts: hosts.value, query, body, source: source.value } }
    : source;
}

function parseSource({ file, command }: Readonly<Record<string, unknown>>): Parsed<SecretSource> {
  if (file !== undefined && command !== undefined)
    return no('a table with "file" or "command" or none of them: the value has one source');
  const isText = (item: unknown): item is string =>
    typeof item === "string" && item !== "" && !item.includes("\0");
  if (file !== undefined)
    return isText(file)
      ? { ok: true, value: { from: "file", path: file } }
      : no('a table whose "file" is a path, such as "/run/secrets/key"');
  if (command === undefined) return { ok: true, value: { from: "environment" } };
  if (isText(command)) return { ok: true, value: { from: "command", command } };
  const isArgument = (item: unknown): boolean => item === "" || isText(item);
  return Array.isArray(command) && isText(command[0]) && command.every(isArgument)
    ? { ok: true, value: { from: "command", command: command as [string, ...string[]] } }
    : no('a table whose "command" is text for the shell or a list, such as ["pass", "show", "key"]');
}

/**
 * The value of a secret. A command runs in the project root with the process's own environment, and ends with the signal;
 * of what a file holds or a command prints, one line break at the end is not part of the value.
 * @throws UsageError `secret` where there is none, or it can't be a secret; no message holds a part of it
 */
export async function resolveSecret(
  { name, source }: SecretDeclaration,
  root: string,
  environment: Pick<Environment, "get">,
  signal: AbortSignal,
): Promise<string> {
  const value =
    source.from === "environment"
      ? environment.get(name)
      : source.from === "file"
        ? ofFile(name, resolve(root, source.path), source.path)
        : await ofCommand(name, source.command, root, signal);
  if (value === undefined)
    throw wrong(
      name,
      "has no value: neither the environment nor a .env file of the project has that variable",
    );
  const problem = secretProblem(value);
  if (problem !== null) throw wrong(name, `can't be used: its value ${problem}`);
  return value;
}

const wrong = (name: string, text: string, cause?: unknown): UsageError =>
  new UsageError("secret", `The secret ${name} ${text}`, { cause });

const withoutLastBreak = (text: string): string => text.replace(/\r?\n$/, "");

const asText = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

function ofFile(name: string, path: string, shown: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw wrong(name, `has no value: "${shown}" is not a file`);
    if (stat.size > LIMITS.environmentBytes)
      throw wrong(name, `has no value: "${shown}" has more than ${LIMITS.environmentBytes} bytes`);
    return withoutLastBreak(asText(readFileSync(path)));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: `there is no file "${shown}"`,
      ERR_ENCODING_INVALID_ENCODED_DATA: `"${shown}" is not UTF-8 text`,
    };
    throw wrong(name, `has no value: ${reasons[code ?? ""] ?? `"${shown}" can't be read (${code})`}`);
  }
}

/** Characters of what a command says on stderr that a message shows. */
const SHOWN = 2000;

async function ofCommand(
  name: string,
  command: string | readonly [string, ...string[]],
  root: string,
  gone: AbortSignal,
): Promise<string> {
  // The rest may hold what nobody should read.
  const shown = (typeof command === "string" ? command.trim().split(/\s/, 1) : command)[0] as string;
  const { code, signal, stdout, stderr, ended } = await perform(command, root, gone).catch((error: Error) => {
    throw wrong(name, `has no value: the command "${shown}" can't be run: ${error.message}`);
  });
  const said = harmless(stderr).trim().slice(-SHOWN);
  const why =
    ended ?? (signal !== null ? `was ended by ${signal}` : code === 0 ? null : `ended with ${code}`);
  if (why !== null)
    throw wrong(name, `has no value: the command "${shown}" ${why}${said === "" ? "" : `:\n${said}`}`);
  try {
    return withoutLastBreak(asText(stdout));
  } catch {
    throw wrong(name, `has no value: what the command "${shown}" prints is not UTF-8 text`);
  }
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  /** Why it was ended from here; null: it was not. */
  readonly ended: string | null;
}

/**
 * Runs a command without stdin. It stays in the terminal's group: it may ask there for a password, and Ctrl-C ends it.
 */
function perform(
  command: string | readonly [string, ...string[]],
  cwd: string,
  gone: AbortSignal,
): Promise<Ended> {
  return new Promise((done, fail) => {
    const [file, ...rest] = typeof command === "string" ? [command] : command;
    const child = spawn(file, rest, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      shell: typeof command === "string",
      windowsHide: true,
    });
    let ended: string | null = null;
    const end = (why: string): void => {
      ended ??= why;
      child.kill("SIGKILL");
      // What it has started may hold them open.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const limit = setTimeout(
      () => end(`took more than ${LIMITS.secretCommandMs / 1000} s`),
      LIMITS.secretCommandMs,
    );
    const onGone = (): void => end("was given up");
    gone.addEventListener("abort", onGone, { once: true });
    if (gone.aborted) onGone();
    const over = (): void => {
      clearTimeout(limit);
      gone.removeEventListener("abort", onGone);
    };
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    let stderr = "";
    child.stdout.on("data", (piece: Uint8Array) => {
      bytes += piece.length;
      if (bytes > LIMITS.environmentBytes) end(`printed more than ${LIMITS.environmentBytes} bytes`);
      else pieces.push(piece);
    });
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      stderr = (stderr + piece).slice(-SHOWN);
    });
    child.on("error", (error) => {
      over();
      fail(error);
    });
    child.on("close", (code, signal) => {
      over();
      done({ code, signal, stdout: Buffer.concat(pieces), stderr, ended });
    });
  });
}

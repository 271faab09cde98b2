import { printable, UsageError, type UsageSlug } from "@capsule-run/protocol";
import { nativePackage } from "./native.ts";
import { normalised, problem, type Requirement, type Surroundings } from "./requirements.ts";
import { PROVIDED } from "./stubs.ts";

/** What is needed to speak of a failure in the user's terms. */
export interface Context {
  /** In the order of the lines of the file that pip was given, from the line `firstLine` on. */
  readonly packages: readonly Requirement[];
  readonly firstLine: number;
  readonly surroundings: Surroundings;
}

/** What a closer look at a package says: pip's debugging output about it. */
export type Inspect = (name: string) => Promise<string>;

/** Why pip failed, from what it printed. */
export async function explain(log: string, context: Context, inspect: Inspect): Promise<UsageError> {
  const unreachable = whyUnreachable(log);
  if (unreachable) return offline(unreachable, context);
  const missing =
    /ERROR: (?:Could not find a version that satisfies the requirement|No matching distribution found for) (\S.*?)(?: \(from ((?!versions)[^)]*)\))?(?: \(from versions: (.*)\))?$/m.exec(
      log,
    );
  if (missing) {
    const [, requirement = "", chain, versions] = missing;
    return missingPackage({ requirement, chain, versions }, context, inspect);
  }
  if (log.includes("ResolutionImpossible") || log.includes("conflicting dependencies"))
    return conflict(log, context, inspect);
  const unsupported = /ERROR: (\S+\.whl) is not a supported wheel on this platform/.exec(log)?.[1];
  if (unsupported)
    return at(
      unsupported.split("-", 1)[0],
      "native-code",
      `${unsupported} does not run in a sandbox: it is not for Python 3.15 on every platform`,
      context,
    );
  if (log.includes("DO NOT MATCH THE HASHES")) return hashes(log, context);
  if (/--require-hashes mode/.test(log))
    return at(
      null,
      "requirements",
      `With hashes, every package must have one, dependencies of dependencies too, and one version ("=="): ${lastErrors(log)}`,
      context,
    );
  const invalid =
    /ERROR: (Invalid requirement: .*?|.*?is not a valid.*?)(?:: .*)? \(from line (\d+) of /m.exec(log);
  if (invalid) {
    const requirement = context.packages[Number(invalid[2]) - context.firstLine];
    if (requirement) return problem(invalid[1] as string, requirement.at, context.surroundings);
  }
  return at(null, "dependency-fetch", `The dependencies can't be fetched: ${lastErrors(log)}`, context);
}

function lastErrors(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => /^(?:ERROR|error): /.test(line)).slice(-3);
  const last = (errors.length > 0 ? errors : lines.slice(-3)).map((line) =>
    line.replace(/^ERROR: /, "").trim(),
  );
  return printable(last.join("; ")).slice(0, 1000);
}

/** An error at the requirement of a package, or at the first of all. */
function at(
  name: string | null | undefined,
  slug: UsageSlug,
  message: string,
  { packages, surroundings }: Context,
): UsageError {
  const found = packages.find((each) => name && each.name === normalised(name)) ?? packages[0];
  return found ? problem(message, found.at, surroundings, slug) : new UsageError(slug, message);
}

const UNREACHABLE =
  /(?:NewConnectionError|ConnectTimeoutError|NameResolutionError|Could not fetch URL \S+: connection error|Temporary failure in name resolution|Network is unreachable|ProxyError|ReadTimeoutError|SSLError|certificate verify failed).*/;

function whyUnreachable(log: string): string | null {
  const found = UNREACHABLE.exec(log)?.[0];
  if (found === undefined) return null;
  return (
    /\[Errno -?\d+\] [^')"]*|certificate verify failed|timed out|connection error/i.exec(found)?.[0] ?? found
  ).slice(0, 200);
}

function offline(why: string, context: Context): UsageError {
  return at(
    null,
    "dependency-fetch",
    `The dependencies can't be fetched: the package index can't be reached (${why}). Once fetched they are kept in .capsule/dependencies, and no network is needed`,
    context,
  );
}

interface Missing {
  readonly requirement: string;
  /** Who asks for it, the nearest last: `a->b`. */
  readonly chain: string | undefined;
  readonly versions: string | undefined;
}

async function missingPackage(missing: Missing, context: Context, inspect: Inspect): Promise<UsageError> {
  const name = normalised(nameIn(missing.requirement));
  const [first] = missing.chain?.split("->") ?? [];
  const asker =
    missing.chain && !missing.chain.startsWith("-r ") ? missing.chain.split("->").at(-1)?.trim() : undefined;
  const needed = asker === undefined ? "" : `, and ${withoutRange(asker)} needs it`;
  const say = (message: string, slug: UsageSlug = "dependency-version"): UsageError =>
    at(
      context.packages.some((each) => each.name === name) ? name : first && withoutRange(first),
      slug,
      message,
      context,
    );
  const known =
    (asker === undefined ? undefined : nativePackage(normalised(nameIn(asker)))) ?? nativePackage(name);
  const instead = known ? `. Instead: ${known.instead}` : "";
  const versions =
    missing.versions === undefined || missing.versions === "none" ? [] : missing.versions.split(", ");
  const provided = PROVIDED.get(name);
  if (provided)
    return say(
      `"${missing.requirement}"${needed}: the Python engine has ${name} ${provided.version}, and no other version can be used`,
    );
  const native = (): UsageError =>
    say(
      `"${name}" has native code, which can't be loaded into a sandbox${needed}${instead}${
        versions.length > 0 ? `. Versions without native code: ${few(versions)}` : ""
      }`,
      "native-code",
    );
  if (known && (versions.length === 0 || known.from !== undefined)) return native();
  if (versions.length > 0 && !/none of the wheel's tags/.test(await inspect(name)))
    return say(
      `No version of "${name}" is as "${missing.requirement}" asks${needed}. There are: ${few(versions)}`,
    );
  const log = await inspect(name);
  const unreachable = whyUnreachable(log);
  if (unreachable) return offline(unreachable, context);
  if (/Skipping link: none of the wheel's tags/.test(log)) return native();
  if (/Skipping link: No sources permitted/.test(log))
    return say(
      `"${name}" is published as source code only, which would have to be built, and building runs its code outside of the sandbox${needed}${instead}. Use another version or package, or put a wheel of it into the project`,
    );
  if (/requires a different Python|Requires-Python/i.test(log) && !/404 Client Error/.test(log))
    return say(`No version of "${name}" is for Python 3.15${needed}`);
  return say(`There is no package "${name}" where packages come from${needed}`);
}

const nameIn = (text: string): string => /^[\w.-]*/.exec(text.trim())?.[0] ?? "";

const withoutRange = (text: string): string =>
  /^[\w.-]+(?: [\d][\w.]*)?/.exec(text.trim())?.[0] ?? text.trim();

/** The newest of a list that is in order. */
const few = (versions: readonly string[]): string =>
  versions.length > 5 ? `…, ${versions.slice(-5).join(", ")}` : versions.join(", ");

async function conflict(log: string, context: Context, inspect: Inspect): Promise<UsageError> {
  const block = /The conflict is caused by:\n((?:[ \t]+\S.*\n)+)/.exec(log)?.[1] ?? "";
  const lines = block
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  for (const line of lines) {
    const constraint = /^The user requested \(constraint\) ([\w.-]+)/.exec(line)?.[1];
    if (constraint === undefined) continue;
    const name = normalised(constraint);
    const others = lines.filter((each) => each !== line);
    const who = others.map((each) => each.replace(/^The user requested /, "you ask for ")).join(", ");
    const mine =
      others.map((each) => /^The user requested (\S+)/.exec(each)?.[1]).find(Boolean) ??
      others.map((each) => /^(\S+)/.exec(each)?.[1]).find(Boolean);
    const provided = PROVIDED.get(name);
    if (provided)
      return at(
        mine,
        "dependency-version",
        `The Python engine has ${name} ${provided.version}, and no other version can be used, but ${who}`,
        context,
      );
    const native = nativePackage(name);
    if (native?.from !== undefined)
      return at(
        mine,
        "native-code",
        `"${name}" has native code from version ${native.from} on, which can't be loaded into a sandbox, but ${who}. Instead: ${native.instead}`,
        context,
      );
  }
  const wanted = new Map(
    lines.flatMap((line) => {
      const [, asker = "", requirement = ""] = /^([\w.-]+) \S+ depends on (.*)$/.exec(line) ?? [];
      return asker === "" ? [] : [[normalised(nameIn(requirement)), { asker, requirement }] as const];
    }),
  );
  for (const [name, { asker, requirement }] of [...wanted].slice(0, 3)) {
    if (!/No matching distribution found|none of the wheel's tags/.test(await inspect(name))) continue;
    return missingPackage({ requirement, chain: asker, versions: undefined }, context, inspect);
  }
  return at(
    null,
    "dependency-version",
    `The dependencies contradict each other: ${lines.length > 0 ? lines.slice(0, 6).join("; ") : lastErrors(log)}`,
    context,
  );
}

function hashes(log: string, context: Context): UsageError {
  const name = /^\s+([\w.-]+)[^\n]*(?:\n[^\n]*)?\n\s+Expected sha256/m.exec(log)?.[1];
  const got = /Got\s+([0-9a-f]{64})/.exec(log)?.[1];
  return at(
    name,
    "dependency-file",
    `What was fetched for "${name ?? "a package"}" is not what its hash says${got ? `: it has sha256:${got}` : ""}`,
    context,
  );
}

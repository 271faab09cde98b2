import assert from "node:assert/strict";
import { test } from "node:test";
import type { UsageError } from "@capsule-run/protocol";
import { helpText } from "./help.ts";
import { COMMANDS, type Invocation, parseArguments } from "./options.ts";

/** What an invocation says, in short: `run FILE [ARGS] flags`. */
function brief(invocation: Invocation): string {
  if (invocation.kind === "version") return "version";
  if (invocation.kind === "help") return `help ${invocation.command?.name ?? "capsule"}`;
  const { command, file, args, json, verbose, argsFile } = invocation;
  const flags = [json ? "json" : "", verbose ? "verbose" : "", argsFile ? `from:${argsFile}` : ""];
  return [command.name, file ?? "-", JSON.stringify(args), ...flags].filter(Boolean).join(" ");
}

const GOOD: readonly (readonly [string, string])[] = [
  ["", "help capsule"],
  ["--help", "help capsule"],
  ["-h", "help capsule"],
  ["--help run", "help run"],
  ["help", "help capsule"],
  ["help help", "help capsule"],
  ["help --help", "help capsule"],
  ["help run", "help run"],
  ["help build", "help build"],
  ["--version", "version"],
  ["run", "run - []"],
  ["run a.ts", "run a.ts []"],
  ["run a.ts x", 'run a.ts ["x"]'],
  ["run a.ts x y z", 'run a.ts ["x","y","z"]'],
  ["run --json a.ts", "run a.ts [] json"],
  ["run a.ts --json", "run a.ts [] json"],
  ["run --json a.ts --verbose", "run a.ts [] json verbose"],
  ["run --verbose --json a.ts", "run a.ts [] json verbose"],
  ["run --json --json a.ts", "run a.ts [] json"],
  ["run a.ts --json x", 'run a.ts ["x"] json'],
  ["run a.ts x --json", 'run a.ts ["x","--json"]'],
  ["run a.ts x --nonsense", 'run a.ts ["x","--nonsense"]'],
  ["run a.ts x --help", 'run a.ts ["x","--help"]'],
  ["run a.ts x -- y", 'run a.ts ["x","--","y"]'],
  ["run a.ts -- --json", 'run a.ts ["--json"]'],
  ["run a.ts -- x -- y", 'run a.ts ["x","--","y"]'],
  ["run a.ts --", "run a.ts []"],
  ["run a.ts --verbose -- -v", 'run a.ts ["-v"] verbose'],
  ["run -- a.ts", "run a.ts []"],
  ["run -- --a.ts", "run --a.ts []"],
  ["run -- a.ts --json", 'run a.ts ["--json"]'],
  ["run -- a.ts -- x", 'run a.ts ["--","x"]'],
  ["run --json -- a.ts x", 'run a.ts ["x"] json'],
  ["run a.ts -", 'run a.ts ["-"]'],
  ["run a.ts -5", 'run a.ts ["-5"]'],
  ["run a.ts -.5 --json", 'run a.ts ["-.5","--json"]'],
  ["run a.ts --args-file b.json", "run a.ts [] from:b.json"],
  ["run --args-file b.json a.ts", "run a.ts [] from:b.json"],
  ["run --args-file=b.json a.ts", "run a.ts [] from:b.json"],
  ["run --args-file=b=c.json a.ts", "run a.ts [] from:b=c.json"],
  ["run --args-file b.json", "run - [] from:b.json"],
  ["run --help", "help run"],
  ["run -h", "help run"],
  ["run a.ts --help", "help run"],
  ["build a.ts", "build a.ts []"],
  ["build", "build - []"],
  ["build --json a.ts", "build a.ts [] json"],
  ["build a.ts --verbose", "build a.ts [] verbose"],
  ["build -- --a.ts", "build --a.ts []"],
  ["build --help", "help build"],
  ["engines", "engines - []"],
  ["engines --json --verbose", "engines - [] json verbose"],
  ["engines --help", "help engines"],
  ["runs --json --limit 3", "runs - [] json"],
  ["inspect abc --follow", "inspect abc []"],
];

const BAD: readonly (readonly [string, RegExp])[] = [
  ["runn", /unknown command "runn"; did you mean "run"\?/],
  ["biuld x", /did you mean "build"\?/],
  [
    "xyzzy",
    /unknown command "xyzzy"; there are run, build, exec, worker, mcp, engines, runs, inspect and help/,
  ],
  ["hello.ts", /to run a program: capsule run hello\.ts/],
  ["src/main", /to run a program: capsule run src\/main/],
  ["help nothing", /unknown command "nothing"/],
  ["--json run a.ts", /unknown option "--json" of "capsule"; options stand behind the command/],
  ["--verison", /did you mean --version\?/],
  ["--version=1", /--version takes no value/],
  ["run --jsno a.ts", /unknown option "--jsno" of "capsule run"; did you mean --json\?/],
  ["run a.ts --verbos", /did you mean --verbose\?/],
  ["run a.ts --wild", /unknown option "--wild" of "capsule run"; an argument that begins with a dash .* --$/],
  ["run -x a.ts", /unknown option "-x"/],
  ["run --json=yes a.ts", /--json takes no value, not "yes"/],
  ["run --args-file", /--args-file needs a value: --args-file FILE/],
  ["run a.ts --args-file=", /--args-file needs a value/],
  ["run --args-file a --args-file b c.ts", /--args-file is given twice/],
  ["run --args-file b.json a.ts x", /--args-file excludes arguments on the command line, such as "x"/],
  ["run a.ts --args-file b.json -- -x", /--args-file excludes arguments/],
  ["build a.ts b.ts", /"capsule build" takes one file; "b\.ts" is one too many/],
  ["engines a.ts", /"capsule engines" takes options only, not "a\.ts"/],
  ["engines --prepared", /did you mean --prepare\?/],
  ["inspect", /"capsule inspect" needs an ID: capsule inspect ID; "capsule runs" lists them/],
  ["inspect a b", /"capsule inspect" takes one ID; "b" is one too many/],
  ["runs --limit", /--limit needs a value: --limit N/],
  ["build --args-file x a.ts", /unknown option "--args-file" of "capsule build"/],
];

const LATER: readonly string[] = [...["logs", "cancel", "resume", "signal", "prune"]];

const words = (line: string): string[] => (line === "" ? [] : line.split(" "));

test("command lines that are understood", () => {
  for (const [line, expected] of GOOD)
    assert.equal(brief(parseArguments(words(line))), expected, `capsule ${line}`);
});

test("command lines that are refused, each with its reason", () => {
  for (const [line, message] of BAD)
    assert.throws(
      () => parseArguments(words(line)),
      (error: UsageError) => {
        const about = /^unknown (command|option)/.exec(error.message)?.[1];
        return error.slug === (about ? `unknown-${about}` : "arguments") && message.test(error.text);
      },
      `capsule ${line}`,
    );
});

test("what is promised and does not exist yet is an error that says so", () => {
  for (const line of LATER)
    assert.throws(
      () => parseArguments(words(line)),
      (error: UsageError) => error.slug === "not-yet" && /not yet/.test(error.message),
      `capsule ${line}`,
    );
});

test("a folder may be given more than once", () => {
  const invocation = parseArguments(words("run --mount data --sealed a.ts --mount=a::b:ro x --mount y"));
  assert.ok(invocation.kind === "command");
  assert.deepEqual(invocation.mounts, ["data", "a::b:ro"]);
  assert.deepEqual(invocation.args, ["x", "--mount", "y"]);
  assert.ok(invocation.flags.has("--sealed"));
  assert.throws(() => parseArguments(words("run --mount")), /--mount needs a value: --mount HOST/);
  assert.throws(() => parseArguments(words("run --sealed=no a.ts")), /--sealed takes no value/);
});

test("switches of one command only are told by name", () => {
  const invocation = parseArguments(["engines", "--verify", "--prepare"]);
  assert.deepEqual(invocation.kind === "command" && [...invocation.flags], ["--verify", "--prepare"]);
});

test("values of options are told by name", () => {
  const invocation = parseArguments(["runs", "--limit=3"]);
  assert.equal(invocation.kind === "command" && invocation.values.get("--limit"), "3");
});

test("an empty FILE is refused, empty arguments are passed on", () => {
  assert.throws(() => parseArguments(["run", ""]), /FILE of "capsule run" is empty/);
  assert.equal(brief(parseArguments(["run", "a.ts", "", ""])), 'run a.ts ["",""]');
});

test("help names every command, option and exit code of the table", () => {
  const top = helpText(null);
  for (const command of COMMANDS) {
    assert.ok(top.includes(`  ${command.name} `), command.name);
    const text = helpText(command);
    for (const row of command.options) assert.ok(text.includes(row.flag), `${command.name} ${row.flag}`);
    for (const part of ["Usage: capsule", "Options:", "Exit codes:", "130", "Example"])
      assert.ok(text.includes(part), `${command.name}: ${part}`);
    for (const line of text.split("\n")) assert.ok(line.length <= 110, line);
  }
});

import { COMMANDS, type CommandRow, EXIT_CODES, type OptionRow, TOP_OPTIONS } from "./options.ts";

const WIDTH = 30;

const columns = (left: string, right: string): string =>
  left.length > WIDTH - 4 ? `  ${left}\n${" ".repeat(WIDTH)}${right}` : `  ${left.padEnd(WIDTH - 2)}${right}`;

const optionLine = (row: OptionRow): string => {
  const name = row.short ? `${row.short}, ${row.flag}` : row.flag;
  return columns(row.value ? `${name} ${row.value}` : name, row.help);
};

const section = (title: string, lines: readonly string[]): string => `${title}:\n${lines.join("\n")}\n`;

const exitCodes = (): string =>
  section(
    "Exit codes",
    EXIT_CODES.map(([code, meaning]) => columns(String(code), meaning)),
  );

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function commandHelp(command: CommandRow): string {
  return [
    `Usage: capsule ${[command.name, "[OPTIONS]", ...command.operands].join(" ")}\n`,
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.\n${command.details.join("\n")}\n`,
    section("Options", command.options.map(optionLine)),
    exitCodes(),
    section(command.examples.length === 1 ? "Example" : "Examples", indent(command.examples)),
  ].join("\n");
}

function topHelp(): string {
  const commands = COMMANDS.map((row) => columns([row.name, ...row.operands].join(" "), row.summary));
  return [
    "Usage: capsule COMMAND [OPTIONS] …\n",
    "Runs the tasks of a program, each in a WebAssembly sandbox of its own with its own limits.\n",
    section("Commands", [...commands, columns("help [COMMAND]", "show help")]),
    section("Options", TOP_OPTIONS.map(optionLine)),
    exitCodes(),
    section("Example", ["  capsule run hello.ts"]),
  ].join("\n");
}

/** What `--help` prints. */
export const helpText = (command: CommandRow | null): string => (command ? commandHelp(command) : topHelp());

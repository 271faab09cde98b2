import { startEarly } from "@capsule-run/runtime/early";
import { watchLauncher } from "./launched.ts";
import { stdinIsConnection } from "./stdin.ts";

// Everything here runs before the command line is loaded: each line is paid for by every command.
if (process.env.CAPSULE_LAUNCHER) watchLauncher();

const words = process.argv.slice(2);
// A run needs a cell: it gets ready while the rest of the command line is loaded. What may be an MCP client waits for an
// answer first, and may never run anything.
if ((words[0] === "run" && (words.length > 1 || !stdinIsConnection())) || words[0] === "exec")
  startEarly(words.slice(1).find((word) => !word.startsWith("-")));

void import("./main.ts").then(({ main, services }) => main(words, services));

// The runtime in the other bundle takes the cell from here.
export { takeEarly } from "@capsule-run/runtime/early";

/** Runs code in JavaScript: the program of such a sandbox. */
import { task } from "@capsule-run/sdk";
import { type Options, run, warm } from "./repl.ts";
import { installStacks } from "./stacks.ts";
import { installGlobals } from "./surroundings.ts";

installStacks();
installGlobals();
warm();

// What a call may use is the ceiling of its run: this asks for all there is. Hosts are the default of its project.
export const main = task({ name: "main", compute: 9_000_000_000_000_000 }, (code: string, options: Options) =>
  run(code, options),
);

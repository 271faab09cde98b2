import { watchLauncher } from "./launched.ts";
import { services } from "./services.ts";

// Everything here runs before the command line is loaded: each line is paid for by every command.
if (process.env.CAPSULE_LAUNCHER) watchLauncher();

// The place where a cell is started early, so that it gets ready while the rest is loaded.
const words = process.argv.slice(2);

const { main } = await import("./main.ts");
await main(words, services);

/** Makes modules in a process of its own, which may be ended: `generator.ts [WASM-OPT]`. */
import { binaryen } from "./binaryen.ts";
import { sampleFor } from "./generate.ts";

const [file] = process.argv.slice(2);
const tool = file === undefined ? undefined : binaryen(file);

process.on("message", async (seed: number) => {
  process.send?.(await sampleFor(seed, tool));
});
process.on("disconnect", () => process.exit());
// What aborts in binaryen ends there.
process.on("unhandledRejection", () => process.exit(3));

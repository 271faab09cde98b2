/** Prints result, fuel and memory image of every kernel; to be run with V8 flags that choose a tier. */
import { createHash } from "node:crypto";
import { rewrite } from "../index.ts";
import { startGuest } from "./guest.ts";
import { KERNELS } from "./kernels.ts";
import { QUICKJS_EXPORTS, QuickJS, quickjsImports, quickjsModule } from "./quickjs.ts";

const { wasm } = rewrite(quickjsModule(), { keepExports: QUICKJS_EXPORTS, stackPointer: "__stack_pointer" });
const guest = startGuest(wasm, { imports: quickjsImports(() => guest.exports.memory) });
const engine = new QuickJS(guest.exports);
for (const [name, code] of Object.entries(KERNELS)) {
  const result = engine.run(code);
  const image = createHash("sha256").update(new Uint8Array(guest.exports.memory.buffer)).digest("hex");
  console.log(JSON.stringify({ name, result, fuel: guest.used(), image }));
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "../index.ts";
import { startGuest } from "../testing/guest.ts";
import { KERNELS } from "../testing/kernels.ts";
import { QUICKJS_EXPORTS, quickjsImports, quickjsModule } from "../testing/quickjs.ts";
import { unmarkedBytes } from "../testing/unmarked.ts";
import { type Grain, HOST_GRAIN } from "./grain.ts";

/** The last is what hosts use; the others see more. Coarse pages hide a lack of marks, as another store marks them. */
const GRAINS: readonly Grain[] = [{ shift: 4, slop: 512 }, { shift: 4, slop: 32 }, HOST_GRAIN];

/** Runs the kernels and gives the bytes that each changed without a mark, and what fuel was used in all. */
function run(markPages: Grain): { unmarked: Record<string, number[]>; fuel: number } {
  const module = rewrite(quickjsModule(), {
    keepExports: QUICKJS_EXPORTS,
    stackPointer: "__stack_pointer",
    markPages,
  });
  const { env = {}, wasi_snapshot_preview1: wasi = {} } = quickjsImports(() => guest.exports.memory);
  const imports = {
    env,
    wasi_snapshot_preview1: {
      ...wasi,
      clock_time_get: (id: number, precision: bigint, result: number) => {
        map().fill(1, result >>> markPages.shift, ((result + 7) >>> markPages.shift) + 1);
        return (wasi.clock_time_get as (...values: unknown[]) => number)(id, precision, result);
      },
    },
  };
  const guest = startGuest(module.wasm, { imports });
  const { exports } = guest;
  const map = () => new Uint8Array((exports.capsule_dirty as WebAssembly.Memory).buffer);
  const image = () => new Uint8Array(exports.memory.buffer);
  exports._initialize();
  exports.qjs_init();
  exports.qjs_set_max_stack_size(400_000);
  const unmarked: Record<string, number[]> = {};
  for (const [name, code] of Object.entries(KERNELS)) {
    const text = new TextEncoder().encode(`${code}\0`);
    const start = exports.wasm_malloc(text.length) as number;
    image().set(text, start);
    const before = image().slice();
    map().fill(0);
    exports.qjs_free_value(exports.qjs_eval(start, text.length - 1, start, 0));
    while (exports.qjs_is_job_pending()) exports.qjs_execute_pending_job();
    unmarked[name] = unmarkedBytes(before, image(), map(), markPages);
    exports.wasm_free(start);
  }
  return { unmarked, fuel: guest.used() };
}

test("everything that QuickJS writes is marked, and marks cost no fuel", () => {
  const runs = GRAINS.map(run);
  for (const { unmarked, fuel } of runs) {
    for (const [name, bytes] of Object.entries(unmarked)) assert.deepEqual(bytes.slice(0, 5), [], name);
    assert.equal(fuel, runs[0]?.fuel);
  }
});

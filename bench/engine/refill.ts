import { GATE, SLICE } from "@capsule-run/wasm/host";

/** Gives a metered module the next slice of fuel whenever one is used up. */
export function refill(fuel: WebAssembly.Global<"i32">, gate: WebAssembly.Table): void {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(GATE as BufferSource), {
    capsule: {
      yield: () => {
        fuel.value += SLICE;
        return 0;
      },
    },
  });
  gate.set(0, exports.gate);
  fuel.value = SLICE;
}

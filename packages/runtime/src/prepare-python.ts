/** The process that makes the Python engine ready: see `servePreparation`. */
import { cutRanges, rewritePython, servePreparation } from "@capsule-run/engine-python";
import { bootPython, openLibrary } from "@capsule-run/guest-python/drive";
import { bootScript } from "@capsule-run/guest-python/guest";

/** What a sandbox needs beyond the engine's image to run anything at all. */
const ROOM_BYTES = 4 * 1024 * 1024;

servePreparation({
  rewrite: (wasm, variant) => rewritePython(wasm, variant).wasm,
  async boot({ wasm, variant, stdlib }) {
    const { image, globals, entry, length } = bootPython({
      wasm,
      variant,
      files: openLibrary(stdlib),
      script: bootScript(),
    });
    const cuts = variant === "core" ? cutRanges() : [];
    return { image, info: { globals, entry, floor: length + ROOM_BYTES, cuts } };
  },
});

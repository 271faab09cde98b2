import { openEngine } from "@capsule-run/guest-python/drive";
import { descriptors } from "./pipes.ts";
import { serve } from "./serve.ts";

/** The process of a cell for Python: `python <engine folder> <variant>`, the protocol on stdin and stdout. */
const [folder, variant] = process.argv.slice(2);
if (folder === undefined || (variant !== "core" && variant !== "full"))
  throw new Error("a cell needs an engine folder and the name of a variant");
serve(openEngine(folder, variant), descriptors());

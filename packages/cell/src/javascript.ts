import { openEngine } from "@capsule-run/guest-javascript/drive";
import { descriptors } from "./pipes.ts";
import { serve } from "./serve.ts";

/** The process of a cell for JavaScript: `javascript <engine folder>`, the protocol on stdin and stdout. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("a cell needs an engine folder");
serve(openEngine(folder), descriptors());

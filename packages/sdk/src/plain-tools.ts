import { argumentsJson, toolsObject } from "@capsule-run/guest-javascript/plain";
import { ToolError } from "@capsule-run/tools/declare";

/** `tools` outside a sandbox: there are none, which a call says after the checks of a sandbox. */
export const plainTools = toolsObject(async (tool, args) => {
  const json = argumentsJson(tool, args, "tool");
  if (!json.ok) throw new TypeError(json.problem);
  throw new ToolError(
    `the tool ${JSON.stringify(tool)} was called outside a sandbox, where there are no tools: they are there in a program that is run by run({ file, tools: { … } })`,
    { type: "Unavailable", tool },
  );
});

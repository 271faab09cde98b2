export { checkTool, checkTools } from "./check.ts";
export { type Parameter, parametersOf } from "./parameters.ts";
export { tool } from "./tool.ts";
export { exposed, ToolError } from "./tool-error.ts";
export type {
  DefineTool,
  Gate,
  GateCall,
  GateDecision,
  JsonSchema,
  StandardIssue,
  StandardResult,
  StandardSchema,
  Tool,
  ToolContext,
  ToolFields,
  Tools,
} from "./tool-types.ts";

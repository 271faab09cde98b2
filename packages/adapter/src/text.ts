import type { Execution } from "./types.ts";

/** The last expression's value: JSON as it is, anything else as the text its language shows it with; null for none. */
export const givenValue = ({ hasValue, value, valueJson, valueText }: Execution): unknown =>
  hasValue && valueJson === null ? valueText : value;

/** The same as text: of a string itself, of anything else what its language shows. */
const valueText = ({ hasValue, value, valueText }: Execution): string => {
  if (!hasValue) return "";
  return typeof value === "string" ? value : (valueText ?? "");
};

/** What was printed, then the last expression's value on a line of its own, without the line's end. */
export function textOf(execution: Execution): string {
  const printed = execution.stdout.replace(/\n$/, "");
  const value = valueText(execution);
  return printed !== "" && value !== "" ? `${printed}\n${value}` : printed + value;
}

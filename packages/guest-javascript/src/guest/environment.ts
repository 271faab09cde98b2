/** The environment of the attempt: what `process.env` is made of. */
import { door } from "./host.ts";

let json = "{}";
let loading = false;

/**
 * The variables from now on.
 * @param text a JSON object
 * @param whileLoading the program is being loaded for its snapshot: they are not the real ones
 */
export function surround(text: string, whileLoading: boolean): void {
  json = text;
  loading = whileLoading;
}

/** Whether the program is being loaded for its snapshot: effects are refused. */
export const isLoadingProgram = (): boolean => loading;

/** The variables, as the JSON object they came in. While loading, the host hears that the program looked. */
export function environment(): string {
  if (loading) door.environment();
  return json;
}

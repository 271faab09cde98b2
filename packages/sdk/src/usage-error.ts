import { isUsageError, UsageError, withSlug } from "@capsule-run/protocol";

/**
 * What the command line's runtime threw, for callers of the SDK: wrong use as an error of the SDK's class, whose message
 * has the place, too; everything else as it is.
 */
export function usageErrorOf(error: unknown): unknown {
  if (!isUsageError(error)) return error;
  const { slug, text, place, excerpt } = error;
  const made = new UsageError(slug, text, { place, excerpt, cause: error.cause });
  const at = place && `  ${place.file}:${place.line}:${place.column}`;
  const lines = [text, at, excerpt?.replace(/\n+$/, "")].filter((line) => line !== undefined);
  made.message = withSlug(lines.join("\n"), slug);
  return made;
}

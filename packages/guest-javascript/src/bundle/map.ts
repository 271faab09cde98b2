import { breath, isLong } from "@capsule-run/protocol";

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent: readonly (string | null)[];
  readonly mappings: string;
  readonly names: readonly string[];
}

/**
 * esbuild's source map as Capsule keeps it: for the whole bundle, with sources named for the user, and with the
 * bundle's own text in the field `x_bundle`. Stacks are translated long after the bundling, and places in them can't be
 * understood without the text they are places of: see `trace`.
 *
 * @param json esbuild's map
 * @param name what a source is called; gets its path relative to the map
 */
export async function fitSourceMap(
  json: string,
  body: string,
  name: (source: string) => string,
): Promise<string> {
  const { sources, sourcesContent, names, mappings } = JSON.parse(json) as SourceMap;
  const contents: string[] = [];
  for (const content of sourcesContent) {
    if (isLong()) await breath();
    contents.push(JSON.stringify(content));
  }
  const parts = {
    version: "3",
    sources: JSON.stringify(sources.map((source) => name(decoded(source)))),
    sourcesContent: `[${contents.join(",")}]`,
    names: JSON.stringify(names),
    mappings: JSON.stringify(mappings),
    x_bundle: JSON.stringify(body),
  };
  return `{${Object.entries(parts)
    .map(([key, value]) => `"${key}":${value}`)
    .join(",")}}`;
}

/** esbuild writes sources as relative URLs. */
function decoded(source: string): string {
  try {
    return decodeURIComponent(source);
  } catch {
    return source;
  }
}

/** `util.inspect`, Node's own code taken out of Node, and `console.table` on top of it. The imports' order matters. */
// biome-ignore-start assist/source/organizeImports: what prepares the realm comes first
import "./realm-before.ts";
import inspector from "node-inspect-extracted";
import "./realm-after.ts";
import { rowsOf } from "./table.ts";
// biome-ignore-end assist/source/organizeImports: what prepares the realm comes first

const { format, formatWithOptions, inspect, stripVTControlCharacters } = inspector;

/** What `console` and `node:util` need. `table` is null for what has no rows. */
export const make = (): unknown => ({
  format,
  formatWithOptions,
  inspect,
  stripVTControlCharacters,
  table: (rows: unknown, columns: unknown): string | null => rowsOf(rows, columns, inspect),
});

/**
 * An access log and what is counted in it: pure functions, the same in a sandbox and in plain Node. Only integers are
 * used, so that every engine gives the same totals to the last digit.
 */
import Papa from "papaparse";

/** What a log is generated from: the same parameters give the same text everywhere. */
export interface LogParameters {
  readonly seed: number;
  readonly rows: number;
  /** Equal spans of time the log is divided into, one chunk each. */
  readonly chunks: number;
}

/** Counts of one endpoint. */
export interface EndpointCounts {
  requests: number;
  bytes: number;
  latencyMs: number;
  /** Requests by the first digit of their status: `{ "2": 180, "5": 3 }`. */
  statuses: Record<string, number>;
  /** Requests by latency: number `i` counts those below `LATENCY_BOUNDS[i]` milliseconds, the last all others. */
  latencies: number[];
}

/** Counts by endpoint. */
export type Totals = Record<string, EndpointCounts>;

/** Upper bounds of the latency histogram in milliseconds. */
export const LATENCY_BOUNDS = [10, 20, 50, 100, 200, 500, 1000, 2000] as const;

const COLUMNS = ["time", "client", "method", "endpoint", "status", "latency_ms", "bytes", "user_agent"];

const ENDPOINTS = ["/", "/login", "/search", "/api/items", "/api/orders", "/api/orders/export", "/health"];

/** With commas and quotes, so that splitting lines at commas would give wrong totals. */
const USER_AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0",
  'shop-app/4.2 ("release", build 1187)',
  "curl/8.9.1",
].map((agent) => (/[",]/.test(agent) ? `"${agent.replaceAll('"', '""')}"` : agent));

/** One span of time has this many times the traffic of each of the others: somebody's batch job. */
const BURST = 12;
/** Milliseconds between the starts of two spans: a quarter of an hour. */
const SPAN_MS = 900_000;
const START_MS = Date.UTC(2026, 0, 5);

/** A random generator of 32-bit integers (mulberry32). Gives an integer from 0 to below `limit`. */
function randomIntegers(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** The log as one CSV text for each span of time, without a header. Whole lines, so that each stands alone. */
export function generateLog({ seed, rows, chunks }: LogParameters): string[] {
  const random = randomIntegers(seed);
  const burst = random(chunks);
  const share = Math.floor(rows / (chunks - 1 + BURST));
  const texts: string[] = [];
  for (let span = 0; span < chunks; span++) {
    const count = span === burst ? rows - share * (chunks - 1) : share;
    const lines: string[] = [];
    for (let row = 0; row < count; row++)
      lines.push(logLine(START_MS + span * SPAN_MS + Math.floor((row * SPAN_MS) / count), random));
    texts.push(`${lines.join("\n")}\n`);
  }
  return texts;
}

function logLine(time: number, random: (limit: number) => number): string {
  const endpoint = random(ENDPOINTS.length);
  const luck = random(1000);
  const status = luck < 6 ? 500 + random(4) : luck < 40 ? 400 + random(5) : luck < 90 ? 302 : 200;
  // Mostly fast, sometimes slow, and slower the further down the list an endpoint is.
  const latency = 2 + random(40 + endpoint * 30) + (random(50) === 0 ? random(3000) : 0);
  const fields = [
    new Date(time).toISOString(),
    `10.${random(4)}.${random(256)}.${random(256)}`,
    random(4) === 0 ? "POST" : "GET",
    ENDPOINTS[endpoint] as string,
    String(status),
    String(latency),
    String(200 + random(40_000)),
    USER_AGENTS[random(USER_AGENTS.length)] as string,
  ];
  return fields.join(",");
}

/** Parses whole lines of the log and counts them by endpoint. */
export function countChunk(csv: string): Totals {
  const { data, errors } = Papa.parse<string[]>(csv, { delimiter: ",", newline: "\n", skipEmptyLines: true });
  if (errors[0]) throw new Error(`line ${(errors[0].row ?? 0) + 1}: ${errors[0].message}`);
  const totals: Totals = {};
  for (const row of data) countRow(totals, row);
  return totals;
}

function countRow(totals: Totals, row: readonly string[]): void {
  if (row.length !== COLUMNS.length) throw new Error(`${row.length} columns instead of ${COLUMNS.length}`);
  const [endpoint, status, latency, bytes] = row.slice(3, 7) as [string, string, string, string];
  const counts = countsOf(totals, endpoint);
  const latencyMs = Number(latency);
  const bucket = LATENCY_BOUNDS.findIndex((bound) => latencyMs < bound);
  counts.requests++;
  counts.bytes += Number(bytes);
  counts.latencyMs += latencyMs;
  add(counts.statuses, status.charAt(0), 1);
  add(counts.latencies, bucket < 0 ? LATENCY_BOUNDS.length : bucket, 1);
}

function countsOf(totals: Totals, endpoint: string): EndpointCounts {
  totals[endpoint] ??= {
    requests: 0,
    bytes: 0,
    latencyMs: 0,
    statuses: {},
    latencies: new Array<number>(LATENCY_BOUNDS.length + 1).fill(0),
  };
  return totals[endpoint];
}

function add<K extends string | number>(counts: { [key in K]?: number }, key: K, amount: number): void {
  counts[key] = (counts[key] ?? 0) + amount;
}

/** The sum of the totals of several chunks, the same in whatever order they come. */
export function mergeTotals(parts: readonly Totals[]): Totals {
  const endpoints = [...new Set(parts.flatMap((part) => Object.keys(part)))].sort();
  const sum: Totals = {};
  for (const endpoint of endpoints) {
    const counts = countsOf(sum, endpoint);
    for (const part of parts) {
      const more = part[endpoint];
      if (more) addCounts(counts, more);
    }
  }
  return sum;
}

function addCounts(sum: EndpointCounts, more: EndpointCounts): void {
  sum.requests += more.requests;
  sum.bytes += more.bytes;
  sum.latencyMs += more.latencyMs;
  for (const [digit, count] of Object.entries(more.statuses)) add(sum.statuses, digit, count);
  for (const [bucket, count] of more.latencies.entries()) add(sum.latencies, bucket, count);
}

/** Divides the text at line borders into `count` parts of about the same length. */
export function splitLines(text: string, count: number): string[] {
  const parts: string[] = [];
  for (let start = 0, n = 1; start < text.length; n++) {
    const border =
      n < count ? text.indexOf("\n", Math.max(start, Math.floor((text.length * n) / count))) : -1;
    const end = border < 0 ? text.length : border + 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

/** The least bound in milliseconds that `percent` of the requests stay below, as `"< 50"`. */
export function latencyBound({ requests, latencies }: EndpointCounts, percent: number): string {
  let seen = 0;
  for (const [i, bound] of LATENCY_BOUNDS.entries()) {
    seen += latencies[i] as number;
    if (seen * 100 >= requests * percent) return `< ${bound}`;
  }
  return `>= ${LATENCY_BOUNDS.at(-1)}`;
}

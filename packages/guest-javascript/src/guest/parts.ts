/** The parts of the library that are loaded when first used, and the globals each provides. */
export const PARTS = {
  inspect: [],
  url: ["URL", "URLSearchParams"],
  idna: [],
  encoding: ["TextEncoder", "TextDecoder"],
  clone: ["structuredClone"],
  process: ["process"],
  events: ["Event", "EventTarget", "CustomEvent", "AbortController", "AbortSignal"],
  streams: [
    "ReadableStream",
    "ReadableStreamDefaultReader",
    "ReadableStreamBYOBReader",
    "ReadableStreamDefaultController",
    "ReadableByteStreamController",
    "ReadableStreamBYOBRequest",
    "WritableStream",
    "WritableStreamDefaultWriter",
    "WritableStreamDefaultController",
    "TransformStream",
    "TransformStreamDefaultController",
    "ByteLengthQueuingStrategy",
    "CountQueuingStrategy",
  ],
  "text-streams": ["TextDecoderStream", "TextEncoderStream"],
  blob: ["Blob", "File"],
  formdata: ["FormData"],
  headers: ["Headers"],
  transport: [],
  fetch: ["Request", "Response", "fetch"],
  websocket: ["WebSocket"],
  tools: [],
  "node-assert": [],
  "node-buffer": ["Buffer"],
  "node-diagnostics-channel": [],
  "node-events": [],
  "node-fs": [],
  "node-http": [],
  "node-os": [],
  "node-path": [],
  "node-process": [],
  "node-punycode": [],
  "node-querystring": [],
  "node-stream": [],
  "node-string-decoder": [],
  "node-timers": [],
  "node-url": [],
  "node-util": [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PartName = keyof typeof PARTS;

/**
 * Node's modules that are in a sandbox: the part that is one, without `node-`, and the member of it, if it is not the
 * whole. The parts' sources are in `node/`.
 */
export const NODE_MODULES: Readonly<Record<string, string>> = {
  assert: "assert",
  "assert/strict": "assert.strict",
  buffer: "buffer",
  constants: "fs.constants",
  diagnostics_channel: "diagnostics-channel",
  events: "events",
  fs: "fs",
  "fs/promises": "fs.promises",
  http: "http.http",
  https: "http.https",
  os: "os",
  path: "path",
  "path/posix": "path.posix",
  process: "process",
  punycode: "punycode",
  querystring: "querystring",
  stream: "stream",
  "stream/consumers": "stream.consumers",
  "stream/promises": "stream.promises",
  "stream/web": "stream.web",
  string_decoder: "string-decoder",
  sys: "util",
  timers: "timers",
  "timers/promises": "timers.promises",
  url: "url",
  util: "util",
  "util/types": "util.types",
};

/** The name of a module of Node's without `node:`, if it is one that is in a sandbox. */
export function nodeModule(specifier: string): { readonly part: string; readonly member: string } | null {
  const found = NODE_MODULES[specifier.replace(/^node:/, "")];
  if (found === undefined) return null;
  const [part = "", member = ""] = found.split(".");
  return { part, member };
}

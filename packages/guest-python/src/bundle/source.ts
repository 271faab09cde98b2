/** What the host makes of the bytes of a Python file. It only looks for imports: what is wrong is Python's to say. */

const DECLARATION = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;
const BLANK = /^[ \t\f]*(?:#.*)?$/;

/**
 * The text of a Python file: decoded as it declares (UTF-8 if it does not), without byte order mark, all line ends as
 * `\n`. Bytes that have no meaning in the encoding become replacement characters.
 */
export function decodeSource(bytes: Uint8Array): string {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const encoding = marked ? "utf-8" : (declaredEncoding(bytes) ?? "utf-8");
  return decoderOf(encoding).decode(bytes).replace(/\r\n?/g, "\n");
}

/** The encoding that a comment in the first or second line declares (PEP 263). */
function declaredEncoding(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  const [first = "", second = ""] = start.split(/\r\n|\r|\n/, 2);
  const found = DECLARATION.exec(first) ?? (BLANK.test(first) ? DECLARATION.exec(second) : null);
  return found?.[1] ?? null;
}

function decoderOf(encoding: string): TextDecoder {
  const name = encoding.toLowerCase().replaceAll("_", "-");
  try {
    return new TextDecoder(/^utf-?8(?:-|$)/.test(name) ? "utf-8" : name);
  } catch {
    // Python knows more encodings than the web; in nearly all of them ASCII is ASCII.
    return new TextDecoder("latin1");
  }
}

/** What a model gets of a call. */
import { textOf } from "./text.ts";
import type { Execution, RichOutput } from "./types.ts";

/** An image that the code showed: a figure, for one. */
export interface CodeImage {
  readonly mediaType: "image/png" | "image/jpeg";
  /** Base64. */
  readonly data: string;
}

/** What the model gets. Fields are left out where there is nothing to say. */
export interface CodeResult {
  /** What the code printed, then the value of its last expression. */
  readonly output: string;
  /** What it printed to stderr. */
  readonly stderr?: string;
  /** The traceback, or the limit that was reached. */
  readonly error?: string;
  /** Files of the workspace that it wrote. */
  readonly files?: readonly string[];
  readonly notice?: string;
  /** The first `maxImages` that it showed. The model gets them as images, not as text. */
  readonly images?: readonly CodeImage[];
}

/** Characters of base64 beyond which an image is left out: those who serve models take 5 MB, or more. */
const MAX_IMAGE = 5_000_000;
/** How data in base64 begins that is what it says. What is no image makes whoever serves a model refuse all of the call. */
const BEGINNINGS = { "image/png": "iVBORw0KGgo", "image/jpeg": "/9j/" } as const;

function imageOf({ type, data }: RichOutput): CodeImage | null {
  if (type !== "image/png" && type !== "image/jpeg") return null;
  const fits =
    data.length <= MAX_IMAGE && data.startsWith(BEGINNINGS[type]) && /^[A-Za-z0-9+/]+={0,2}$/.test(data);
  return fits ? { mediaType: type, data } : null;
}

/** The beginning and the end of a text that is too long. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = most >> 1;
  return `${text.slice(0, half)}\n… ${text.length - 2 * half} characters are left out …\n${text.slice(text.length - half)}`;
}

/** What a model has to know of an execution. */
export function resultOf(execution: Execution, maxText: number, maxImages: number): CodeResult {
  const { stderr, error, files, outputs } = execution;
  const failure = error && (error.kind === "exception" ? error.traceback : error.message);
  const pictures = outputs.filter(({ type }) => type.startsWith("image/")).length;
  const images = outputs
    .map(imageOf)
    .filter((image) => image !== null)
    .slice(0, maxImages);
  const unseen = pictures - images.length;
  const notices = [
    execution.notice,
    unseen > 0
      ? `${unseen} ${unseen === 1 ? "image that the code showed is" : "images that the code showed are"} left out.`
      : null,
  ].filter((notice) => notice !== null);
  return {
    output: cut(textOf(execution), maxText),
    ...(stderr !== "" && { stderr: cut(stderr, maxText) }),
    ...(failure !== null && { error: cut(failure, maxText) }),
    ...(files.length > 0 && { files: files.map(({ path }) => path) }),
    ...(notices.length > 0 && { notice: notices.join(" ") }),
    ...(images.length > 0 && { images }),
  };
}

/** The text of a result, and its images apart, for a framework that has parts for both. */
export function partsOf({ images = [], ...rest }: CodeResult): {
  text: string;
  images: readonly CodeImage[];
} {
  return { text: JSON.stringify(rest), images };
}

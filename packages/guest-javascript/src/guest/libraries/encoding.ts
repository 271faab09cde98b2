/** `TextEncoder` and `TextDecoder`: the Unicode encodings and all single-byte ones. */
import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";

export const make = (): unknown => ({ TextEncoder, TextDecoder });

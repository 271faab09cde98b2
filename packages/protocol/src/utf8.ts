/** The beginning of UTF-8 text: at most `most` bytes, and no character in parts. */
export function wholeCharacters(text: Uint8Array, most: number): Uint8Array {
  if (text.length <= most) return text;
  let end = Math.max(0, most);
  while (end > 0 && ((text[end] as number) & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}

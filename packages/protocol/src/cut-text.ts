/** A text of at most `most` characters (UTF-16 units): of a longer one the beginning, and `…`. No character is halved. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = most - 1;
  const half = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, half ? end - 1 : end)}…`;
}

/** Whether a range of versions as `requires-python` gives it has a release; null if it is no range. */
export function allows(range: string, release: string): boolean | null {
  const version = numbers(release);
  let all = true;
  for (const part of range.split(",")) {
    if (part.trim() === "") continue;
    const match = /^\s*(===?|!=|~=|<=?|>=?)\s*v?(\d+(?:\.\d+)*)(\.\*)?\s*$/.exec(part);
    if (!match) return null;
    const [, operator = "", text = "", star] = match;
    if (star && operator !== "==" && operator !== "!=") return null;
    all &&= holds(version, operator, numbers(text), star !== undefined);
  }
  return all;
}

const numbers = (text: string): number[] => text.split(".").map(Number);

function holds(
  version: readonly number[],
  operator: string,
  bound: readonly number[],
  prefix: boolean,
): boolean {
  const order = compare(prefix ? version.slice(0, bound.length) : version, bound);
  switch (operator) {
    case "==":
    case "===":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      // `~=`: at least this, and the same but for the last number.
      return order >= 0 && compare(version.slice(0, bound.length - 1), bound.slice(0, -1)) === 0;
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

import type { Progress } from "@capsule-run/runtime";
import { oneLine } from "./format.ts";

interface Screen {
  readonly terminal: boolean;
  write(text: string): void;
}

/** Milliseconds between two drawings of one step. */
const REDRAW_MS = 100;
const ERASE_LINE = "\r\x1b[2K";

/**
 * Shows what takes long before a program can start: on a terminal one line that is drawn again and goes away at the
 * end (null), elsewhere a line for each step.
 */
export function progressView(screen: Screen): (progress: Progress | null) => void {
  let shown = "";
  let drawnAt = 0;
  return (progress) => {
    if (progress === null) {
      if (shown !== "" && screen.terminal) screen.write(ERASE_LINE);
      shown = "";
      return;
    }
    const text = oneLine(progress.text);
    const fresh = text !== shown;
    if (!screen.terminal) {
      if (fresh) screen.write(`${text} …\n`);
    } else if (fresh || Date.now() - drawnAt >= REDRAW_MS) {
      const share = progress.total > 0 ? ` ${Math.floor((100 * progress.done) / progress.total)} %` : "";
      screen.write(`${ERASE_LINE}${text}${share} …`);
      drawnAt = Date.now();
    }
    shown = text;
  };
}

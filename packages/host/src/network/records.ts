import { cutText, type EffectError, type HostRequest } from "@capsule-run/protocol";
import type { NetworkLimits } from "./limits.ts";

/** The record of one request on its way. */
export interface Recording {
  /** It was answered with this status. */
  answered(status: number): void;
  /** It is over; what is said later changes nothing. */
  finished(sizes: { readonly sent: number; readonly received: number }, error: EffectError | null): void;
}

export interface Records {
  begin(
    method: string,
    url: string,
    sizes: () => { readonly sent: number; readonly received: number },
  ): Recording;
  /** Begins a new list. */
  clear(): void;
  /** The first ones, as they are now. */
  readonly list: readonly HostRequest[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Keeps the first `limits.records` requests of an attempt.
 * @param redact takes out what may not be shown
 * @param now milliseconds of a clock
 */
export function records(limits: NetworkLimits, redact: (text: string) => string, now: () => number): Records {
  const kept: { readonly entry: () => HostRequest }[] = [];

  const cut = (text: string): string => cutText(text, limits.recordCharacters);
  /** Without user-info and fragment, also where it could not be parsed. */
  const shownUrl = (text: string): string => {
    const bare = text.slice(0, limits.urlCharacters).replace(/#.*$|\p{Cc}/gsu, "");
    // Spaces that the expression could give to one part or another would take it the square of their number.
    return cut(redact(bare.trimStart().replace(/^((?:[a-z][a-z0-9+.-]*:)?[/\\]*)[^/\\?]*@/i, "$1")));
  };

  return {
    begin(method, url, sizes) {
      const started = now();
      const elapsed = (): number => Math.max(0, Math.round(now() - started));
      const bytes = ({ sent, received } = sizes()) => ({ request_bytes: sent, response_bytes: received });
      const first: Writable<HostRequest> = {
        ...{ method: cut(redact(method)), url: shownUrl(url), status: null, duration_ms: 0 },
        ...{ request_bytes: 0, response_bytes: 0, error: null },
      };
      let isOver = false;
      const entry = (): HostRequest =>
        isOver ? { ...first } : { ...first, ...bytes(), duration_ms: elapsed() };
      if (kept.length < limits.records) kept.push({ entry });
      return {
        answered: (status) => {
          first.status = status;
        },
        finished: (final, error) => {
          if (isOver) return;
          isOver = true;
          Object.assign(first, bytes(final), { duration_ms: elapsed() });
          first.error = error && cut(redact(`${error.code}: ${error.message}`));
        },
      };
    },
    clear() {
      kept.length = 0;
    },
    get list() {
      return kept.map(({ entry }) => entry());
    },
  };
}

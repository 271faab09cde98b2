import {
  decodeEffect,
  EffectError,
  type EffectFailure,
  type EffectName,
  encodeAnswer,
  type HostRequest,
  LIMITS,
} from "@capsule-run/protocol";
import type { Capability, NetworkCapability } from "./capability.ts";

/** What one attempt may do, made when it is first asked for. */
export interface AttemptParts extends SharedParts {
  readonly tools: Capability;
}

/** Of that, what attempts of a session share. */
export interface SharedParts {
  files(): Promise<Capability>;
  network(): Promise<NetworkCapability>;
  /** Hides secrets in a message for the guest. */
  scrub(text: string): string;
}

/** The capabilities of one attempt. */
export interface AttemptCapabilities {
  /**
   * Does what a cell asked for and gives the answer as it crosses. Never rejects.
   * @param call its number in the attempt
   */
  perform(name: EffectName, request: Uint8Array, signal: AbortSignal, call: number): Promise<Uint8Array>;
  /** HTTP requests so far, redacted. */
  readonly requests: readonly HostRequest[];
  /** Ends what is under way, and gives everything back. Never rejects. */
  close(): Promise<void>;
}

/** Capabilities that attempts have one after the other: what one has opened, the next one goes on with. */
export interface SharedCapabilities {
  /** For the next attempt. */
  attempt(tools: Capability): SharedAttempt;
  /** Ends what is under way, and gives everything back. Never rejects. */
  close(): Promise<void>;
}

export interface SharedAttempt extends Pick<AttemptCapabilities, "perform"> {
  /** HTTP requests that it made, redacted. */
  requests(): readonly HostRequest[];
  /**
   * It is over. Never rejects.
   * @param undo gives back what it opened: nobody knows of it any more
   */
  end(undo: boolean): Promise<void>;
}

export function openAttempt({ tools, ...parts }: AttemptParts): AttemptCapabilities {
  const shared = openShared(parts);
  const { perform, requests } = shared.attempt(tools);
  return {
    perform,
    get requests() {
      return requests();
    },
    close: () => shared.close(),
  };
}

/** Milliseconds that the end of an attempt waits for what was under way and can't be ended. */
const END_MS = 2000;

export function openShared(parts: SharedParts): SharedCapabilities {
  let files: Promise<Capability> | null = null;
  let network: Promise<NetworkCapability> | null = null;
  let recorder: NetworkCapability | null = null;
  /** Those that are open. */
  const made: Capability[] = [];
  const closing = new AbortController();
  const noted = <T extends Capability>(capability: T): T => {
    made.push(capability);
    return capability;
  };

  const open = async (kind: string, tools: Capability): Promise<Capability> => {
    if (kind === "tool") return tools;
    if (kind === "file") {
      files ??= parts.files().then(noted);
      return files;
    }
    network ??= parts.network().then((opened) => {
      recorder = noted(opened);
      return opened;
    });
    return network;
  };
  const opened = async (): Promise<readonly Capability[]> =>
    (await Promise.allSettled([files, network])).flatMap((each) =>
      each.status === "fulfilled" && each.value ? [each.value] : [],
    );

  return {
    attempt(tools) {
      const active = new Set<Promise<unknown>>();
      let isOver = false;
      for (const each of made) each.mark?.();

      const act = async (
        name: EffectName,
        request: Uint8Array,
        signal: AbortSignal,
        call: number,
      ): Promise<Uint8Array> => {
        try {
          if (isOver || closing.signal.aborted) throw new EffectError("EABORTED", "the task has ended");
          const asked = decodeEffect(request);
          if (!asked) throw new EffectError("EINVAL", tooLarge(request));
          const [kind = "", verb = ""] = name.split(".");
          const capability = await open(kind, tools);
          const { head, payload = NOTHING } = await capability.perform(
            verb,
            asked.head,
            asked.payload,
            signal,
            call,
          );
          if (payload.length > LIMITS.effectBytes)
            throw new EffectError("EFBIG", "the answer is larger than can be handed over at once");
          return encodeAnswer({ ok: true, head, payload });
        } catch (error) {
          const { code, message } = failureOf(error);
          return encodeAnswer({ ok: false, code, message: parts.scrub(message) });
        }
      };

      return {
        perform(...asked) {
          const performed = act(...asked);
          active.add(performed);
          return performed.finally(() => active.delete(performed));
        },
        requests: () => recorder?.requests ?? [],
        async end(undo) {
          isOver = true;
          if (active.size > 0) {
            let timer: NodeJS.Timeout | undefined;
            const late = new Promise<void>((resolve) => {
              timer = setTimeout(resolve, END_MS);
            });
            await Promise.race([Promise.allSettled(active), late]);
            clearTimeout(timer);
          }
          if (undo) await Promise.allSettled(made.map((capability) => capability.undo?.()));
        },
      };
    },
    async close() {
      closing.abort();
      await Promise.allSettled((await opened()).map((capability) => capability.close()));
    },
  };
}

const NOTHING = new Uint8Array(0);

const tooLarge = (request: Uint8Array): string =>
  request.length === 0
    ? `more than the ${LIMITS.effectBytes} bytes that can be handed over at once`
    : "a request that can't be understood";

/** By name: a capability that is a bundle of its own has a class of its own. */
const isEffectError = (error: unknown): error is EffectError =>
  error instanceof Error && error.name === "EffectError" && "code" in error;

/** What the guest hears. What nobody foresaw may name things of the host. */
const failureOf = (error: unknown): EffectFailure =>
  isEffectError(error)
    ? { code: error.code, message: error.message }
    : { code: "EIO", message: "the host could not do it" };

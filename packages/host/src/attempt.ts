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
export interface AttemptParts {
  files(): Promise<Capability>;
  network(): Promise<NetworkCapability>;
  readonly tools: Capability;
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

export function openAttempt(parts: AttemptParts): AttemptCapabilities {
  let files: Promise<Capability> | null = null;
  let network: Promise<NetworkCapability> | null = null;
  let recorder: NetworkCapability | null = null;
  const closing = new AbortController();

  const open = async (kind: string): Promise<Capability> => {
    if (kind === "tool") return parts.tools;
    if (kind === "file") {
      files ??= parts.files();
      return files;
    }
    network ??= parts.network().then((made) => {
      recorder = made;
      return made;
    });
    return network;
  };

  const perform: AttemptCapabilities["perform"] = async (name, request, signal, call) => {
    try {
      if (closing.signal.aborted) throw new EffectError("EABORTED", "the task has ended");
      const asked = decodeEffect(request);
      if (!asked) throw new EffectError("EINVAL", tooLarge(request));
      const [kind = "", verb = ""] = name.split(".");
      const capability = await open(kind);
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
    perform,
    get requests() {
      return recorder?.requests ?? [];
    },
    async close() {
      closing.abort();
      const opened = await Promise.allSettled([files, network]);
      await Promise.allSettled(
        opened.map((each) => (each.status === "fulfilled" ? each.value?.close() : undefined)),
      );
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

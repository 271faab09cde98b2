import { usageErrorOf } from "@capsule-run/sdk/internal";
import type { BareCall } from "./cli-code.ts";
import type { CallOptions, CodeOutput, Execution } from "./types.ts";

/**
 * One call of code, with the caller's callbacks.
 * @throws what a callback threw, or its promise rejected with: that cancels the call
 */
export async function call(
  { signal, onOutput }: CallOptions,
  perform: (call: BareCall) => Promise<Execution>,
): Promise<Execution> {
  const broken = new AbortController();
  const signals = signal ? [broken.signal, signal as AbortSignal] : [broken.signal];
  const tell = async (output: CodeOutput): Promise<void> => {
    try {
      await onOutput?.(output);
    } catch (error) {
      broken.abort(error);
    }
  };
  try {
    const execution = await perform({
      signal: AbortSignal.any(signals),
      onOutput: onOutput && ((output) => void tell(output)),
    });
    if (broken.signal.aborted) throw broken.signal.reason;
    return execution;
  } catch (error) {
    throw usageErrorOf(error);
  }
}

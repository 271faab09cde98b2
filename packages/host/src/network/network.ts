import { EffectError, Line } from "@capsule-run/protocol";
import type { NetworkCapability, Performed, SecretsOnTheWay } from "../capability.ts";
import { allowlist } from "./allowlist.ts";
import { type Answered, type Exchange, type ExchangeContext, startExchange } from "./exchange.ts";
import { NETWORK_LIMITS, type NetworkLimits } from "./limits.ts";
import { records } from "./records.ts";
import { type GuestRequest, readRequest } from "./request.ts";
import { type Resolver, sharing, systemResolver } from "./resolve.ts";
import { createTransport, type Transport } from "./transport.ts";

export interface NetworkOptions {
  /** Entries of `allowedHosts`, as `parseHostPattern` gives them. */
  readonly hosts: readonly string[];
  readonly secrets: SecretsOnTheWay | null;
  /** Whose connections are used, and outlive the attempt; without one it has its own, which end with it. */
  readonly transport?: Transport;
  /** Connections are shared within this: the run's id. */
  readonly scope?: string;
  /** Default: the system's. */
  readonly resolve?: Resolver;
  /** Where they differ from `NETWORK_LIMITS`. */
  readonly limits?: Partial<NetworkLimits>;
  /** Milliseconds, for durations. Default: `performance.now`. */
  readonly now?: () => number;
}

type Head = Readonly<Record<string, unknown>>;
const NOTHING = new Uint8Array(0);
const DONE: Performed = { head: {} };
const aborted = (): EffectError => new EffectError("EABORTED", "the request was aborted");

/** An exchange the program has a handle of. */
interface Open {
  readonly exchange: Exchange;
  /** Whether the program was told of the response. */
  isAnswered: boolean;
  /** Whether a call that gives something is under way: there may be one at a time. */
  isBusy: boolean;
}

/** HTTP for one attempt. */
export function openNetwork(options: NetworkOptions): NetworkCapability {
  const limits: NetworkLimits = { ...NETWORK_LIMITS, ...options.limits };
  const { secrets } = options;
  const transport = options.transport ?? createTransport();
  const recorded = records(
    limits,
    (text) => secrets?.redact(text) ?? text,
    options.now ?? (() => performance.now()),
  );
  const context: ExchangeContext = {
    ...{ limits, secrets, transport, records: recorded, scope: options.scope ?? "" },
    allowed: allowlist(options.hosts),
    resolve: sharing(options.resolve ?? systemResolver),
  };
  const line = new Line(limits.parallel);
  let isClosed = false;
  const exchanges = new Set<Exchange>();
  const open = new Map<number, Open>();
  let handles = 0;
  let marked = 0;

  function start(request: GuestRequest): Exchange {
    const exchange = startExchange(request, context);
    exchanges.add(exchange);
    return exchange;
  }
  function over(exchange: Exchange): void {
    exchanges.delete(exchange);
  }
  function keep(exchange: Exchange, isAnswered: boolean): number {
    handles++;
    open.set(handles, { exchange, isAnswered, isBusy: false });
    return handles;
  }
  function forget(handle: number): void {
    const entry = open.get(handle);
    if (entry) over(entry.exchange);
    open.delete(handle);
  }
  function checkOpen(exchange: Exchange | null): void {
    if (open.size >= limits.open) {
      const what = `more than ${limits.open} streamed requests and unread responses at once (open)`;
      throw new EffectError("ELIMIT", what);
    }
    if (!exchange?.isCompressed) return;
    const compressed = [...open.values()].filter((each) => each.exchange.isCompressed).length;
    if (compressed < limits.openCompressed) return;
    const what = `more than ${limits.openCompressed} unread compressed responses at once (openCompressed)`;
    throw new EffectError("ELIMIT", what);
  }

  /** The exchange of a handle; null if it is over. */
  function find(head: Head): { readonly handle: number; readonly entry: Open } | null {
    const { handle } = head;
    if (typeof handle !== "number" || !Number.isSafeInteger(handle) || handle < 1 || handle > handles)
      throw new EffectError("EINVAL", "there is no HTTP exchange with this handle");
    const entry = open.get(handle);
    return entry ? { handle, entry } : null;
  }

  /** Waits for what an exchange gives. What is lost when nobody takes it ends the exchange. */
  async function waitFor<T>(exchange: Exchange, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const onAbort = (): void => exchange.stop(aborted());
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async function request(head: Head, payload: Uint8Array, signal: AbortSignal): Promise<Performed> {
    let wanted: GuestRequest;
    try {
      wanted = readRequest(head, payload, limits);
    } catch (error) {
      refused(head, error);
      throw error;
    }
    if (wanted.body === "stream") {
      checkOpen(null);
      return { head: { handle: keep(start(wanted), false) } };
    }
    const leave = await line.enter(signal);
    if (!leave) throw aborted();
    try {
      const exchange = start(wanted);
      try {
        const answer = await waitFor(exchange, signal, () => exchange.answered);
        if (answer.whole) over(exchange);
        else checkOpen(exchange);
        return given(answer, answer.whole ? null : keep(exchange, true));
      } catch (error) {
        over(exchange);
        exchange.stop(error instanceof EffectError ? error : aborted());
        throw error;
      }
    } finally {
      // A turn later, when the connection can be used again.
      setImmediate(leave);
    }
  }

  const given = ({ head, piece }: Answered, handle: number | null): Performed => ({
    head: { ...head, handle },
    payload: piece,
  });

  function refused({ method, url }: Head, error: unknown): void {
    const sizes = { sent: 0, received: 0 };
    recorded
      .begin(typeof method === "string" ? method : "", typeof url === "string" ? url : "", () => sizes)
      .finished(sizes, error instanceof EffectError ? error : null);
  }

  async function response(head: Head, signal: AbortSignal): Promise<Performed> {
    const found = find(head);
    if (!found) throw aborted();
    const { handle, entry } = found;
    if (entry.isAnswered) throw new EffectError("EINVAL", "the response was given already");
    entry.isAnswered = true;
    entry.exchange.touch();
    try {
      const answer = await waitFor(entry.exchange, signal, () => entry.exchange.answered);
      if (answer.whole) forget(handle);
      return given(answer, answer.whole ? null : handle);
    } catch (error) {
      forget(handle);
      throw error;
    }
  }

  async function read(head: Head, signal: AbortSignal): Promise<Performed> {
    const found = find(head);
    if (!found) throw aborted();
    const { handle, entry } = found;
    if (!entry.isAnswered || entry.isBusy)
      throw new EffectError("EINVAL", "a response is read in one place, once its head is there");
    entry.isBusy = true;
    try {
      const { piece, done } = await waitFor(entry.exchange, signal, () => entry.exchange.read());
      if (done) forget(handle);
      return { head: { done }, payload: piece };
    } catch (error) {
      forget(handle);
      throw error;
    } finally {
      entry.isBusy = false;
    }
  }

  /** Of an exchange that is over nobody takes more of the body, and that is no failure: the response says what is. */
  function uploading(head: Head): Exchange["upload"] {
    const found = find(head);
    if (!found) return null;
    const { exchange } = found.entry;
    if (!exchange.upload) throw new EffectError("EINVAL", "this request's body is not a stream");
    exchange.touch();
    return exchange.upload;
  }

  async function write(head: Head, piece: Uint8Array, signal: AbortSignal): Promise<Performed> {
    const upload = uploading(head);
    const found = find(head);
    if (upload && found) {
      const { exchange } = found.entry;
      try {
        await waitFor(exchange, signal, () => upload.write(piece));
      } catch (error) {
        // What is not the caller's mistake ends it.
        if (error instanceof EffectError && error.code !== "EINVAL") exchange.stop(error);
        throw error;
      }
    }
    return DONE;
  }

  function end(head: Head): Performed {
    uploading(head)?.end();
    return DONE;
  }

  function cancel(head: Head): Performed {
    const found = find(head);
    found?.entry.exchange.stop(aborted());
    if (found) forget(found.handle);
    return DONE;
  }

  async function act(name: string, head: Head, payload: Uint8Array, signal: AbortSignal): Promise<Performed> {
    if (isClosed) throw aborted();
    if (name === "request") return await request(head, payload, signal);
    if (name === "response") return await response(head, signal);
    if (name === "read") return await read(head, signal);
    if (name === "write") return await write(head, payload, signal);
    if (name === "end") return end(head);
    if (name === "cancel") return cancel(head);
    throw new EffectError("EINVAL", "there is no such operation");
  }

  return {
    async perform(name, head, payload, signal) {
      try {
        const { head: answer, payload: bytes } = await act(name, head, payload, signal);
        return { head: answer, payload: bytes ?? NOTHING };
      } catch (error) {
        if (!(error instanceof EffectError)) throw error;
        throw new EffectError(error.code, secrets?.scrubText(error.message) ?? error.message, {
          cause: error,
        });
      }
    },
    get requests() {
      return recorded.list;
    },
    mark() {
      marked = handles;
      recorded.clear();
    },
    async undo() {
      for (const handle of [...open.keys()]) if (handle > marked) cancel({ handle });
    },
    async close() {
      isClosed = true;
      line.clear();
      for (const exchange of exchanges) exchange.stop(aborted());
      await Promise.allSettled([...exchanges].map(({ answered }) => answered));
      exchanges.clear();
      open.clear();
      if (!options.transport) await transport.close();
    },
  };
}

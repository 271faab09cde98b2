/** A host's HTTP for tests of the prelude: what a function says a server answers. */
import { EffectError, type EffectRequests } from "@capsule-run/protocol";
import type { EffectHandler, EffectRecord } from "../drive/testing/guest.ts";

/** The end of a program of two tasks that run code: its `result` is theirs, or what its `main()` gives. */
export const RUN_CODE = `
@task
def run(code):
    scope = {**globals()}
    exec(compile(code, "/app/case.py", "exec"), scope)
    return scope.get("result")

@task
async def run_async(code):
    scope = {**globals()}
    exec(compile(code, "/app/case.py", "exec"), scope)
    return await scope["main"]()
`;

/** A request as the host got it, its body put together. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly redirect: string;
  readonly timeoutMs: number | null;
  readonly body: string;
  /** Into how many effects the body was split; 0: none of it came by `http.write`. */
  readonly writes: number;
}

export interface FakeResponse {
  readonly status?: number;
  readonly statusText?: string;
  readonly url?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The first piece comes with the head. More than one: the rest is read. */
  readonly pieces?: readonly (string | Uint8Array)[];
}

/** The handler of a `TestGuest`, and what was asked of it. */
export interface FakeNetwork {
  readonly handler: EffectHandler;
  readonly requests: SeenRequest[];
  readonly cancelled: number[];
}

interface Upload {
  readonly request: EffectRequests["http.request"];
  readonly pieces: Uint8Array[];
}

/** @param answer may throw an `EffectError` */
export function fakeNetwork(
  answer: (request: SeenRequest) => FakeResponse | Promise<FakeResponse>,
): FakeNetwork {
  const requests: SeenRequest[] = [];
  const cancelled: number[] = [];
  const uploads = new Map<number, Upload>();
  const bodies = new Map<number, (string | Uint8Array)[]>();
  let handles = 0;

  async function answered(request: EffectRequests["http.request"], body: Uint8Array, writes: number) {
    const { method, url, headers, redirect, timeoutMs } = request;
    const text = Buffer.from(body).toString("latin1");
    const seen = { method, url, headers, redirect, timeoutMs, body: text, writes };
    requests.push(seen);
    const response = await answer(seen);
    const [first = "", ...rest] = response.pieces ?? [];
    if (rest.length > 0) bodies.set(++handles, rest);
    const head = {
      status: response.status ?? 200,
      statusText: response.statusText ?? "OK",
      url: response.url ?? url,
      redirected: response.url !== undefined,
      headers: response.headers ?? [],
      handle: rest.length > 0 ? handles : null,
    };
    return { head, payload: Buffer.from(first) };
  }

  async function handler({ name, head, payload }: EffectRecord) {
    if (name === "http.request") {
      const request = head as unknown as EffectRequests["http.request"];
      if (request.body !== "stream") return answered(request, payload, 0);
      uploads.set(++handles, { request, pieces: [] });
      return { head: { handle: handles } };
    }
    const handle = head.handle as number;
    const upload = uploads.get(handle);
    const body = bodies.get(handle);
    if (name === "http.write" && upload) upload.pieces.push(payload);
    else if (name === "http.response" && upload)
      return answered(upload.request, Buffer.concat(upload.pieces), upload.pieces.length);
    else if (name === "http.read" && body)
      return { head: { done: body.length === 1 }, payload: Buffer.from(body.shift() ?? "") };
    else if (name === "http.cancel") cancelled.push(handle);
    else if (name !== "http.end" || !upload) throw new EffectError("EINVAL", `no ${name} of ${handle}`);
    return { head: {} };
  }
  return { handler, requests, cancelled };
}

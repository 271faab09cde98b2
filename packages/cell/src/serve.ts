import {
  encode,
  FrameReader,
  type FromCell,
  type GuestEngine,
  LIMITS,
  type Surroundings,
  type ToCell,
} from "@capsule-run/protocol";
import type { Pipes } from "./pipes.ts";
import { InstancePool } from "./pool.ts";
import { Sandbox, type SandboxTerms } from "./sandbox.ts";
import { Session } from "./session.ts";

/**
 * Serves the host until it closes the pipe. What the host says is obeyed: the host is trusted by its cells, and
 * checks everything it hears from them.
 * @param collect collects garbage; default: V8's
 */
export function serve<Prepared>(
  engine: GuestEngine<Prepared>,
  pipes: Pipes,
  collect: () => void = collectGarbage,
): void {
  const pool = new InstancePool(engine, collect);
  const programs = new Map<string, Prepared>();
  const sandboxes = new Map<number, Sandbox<Prepared>>();
  const sessions = new Map<number, Session<Prepared>>();
  const reader = new FrameReader();
  // What is said in one go leaves in one system call.
  let unsent: Uint8Array[] = [];
  const flush = (): void => {
    const frames = unsent;
    unsent = [];
    pipes.write(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames));
  };
  const send = (message: FromCell): void => {
    if (unsent.length === 0) process.nextTick(flush);
    unsent.push(encode(message));
  };

  const open = (id: number, terms: SandboxTerms<Prepared>): Sandbox<Prepared> => {
    const sandbox = new Sandbox(id, pool, terms, send, () => sandboxes.delete(id));
    sandboxes.set(id, sandbox);
    return sandbox;
  };

  const sessionOf = (id: number): Session<Prepared> | null => {
    if (id === 0) return null;
    const session = sessions.get(id) ?? new Session(pool);
    sessions.set(id, session);
    return session;
  };

  const handle = (message: ToCell): void => {
    switch (message.type) {
      case "artifact": {
        const { hash, globals, pages, snapshot, body } = message;
        const bundle = body.subarray(pages);
        programs.set(hash, engine.prepare({ globals, snapshot, pages: body.subarray(0, pages), bundle }));
        break;
      }
      case "forget":
        programs.delete(message.hash);
        break;
      case "load":
        void open(message.sandbox, {
          granted: message.limits.ram ?? LIMITS.memoryBytes,
          seed: "00".repeat(32),
          session: null,
        }).load(message.body, message.limits, JSON.parse(message.variables) as string[]);
        break;
      case "open": {
        const program = programs.get(message.artifact);
        if (program === undefined) throw new Error(`no artifact ${message.artifact}`);
        const { task, body, limits, granted, seed, now } = message;
        const session = sessionOf(message.session);
        const surroundings: Surroundings = {
          environment: JSON.parse(message.environment),
          mounts: JSON.parse(message.mounts),
        };
        void open(message.sandbox, { granted, seed, session }).start(
          program,
          task,
          body,
          limits,
          now,
          surroundings,
        );
        break;
      }
      case "complete":
        sandboxes.get(message.sandbox)?.complete(message.call, message.body, message.now);
        break;
      case "wake":
        sandboxes.get(message.sandbox)?.wake(message.now);
        break;
      case "stop":
        sandboxes.get(message.sandbox)?.stop();
        break;
      case "grant":
        sandboxes.get(message.sandbox)?.grant(message.granted);
        break;
      case "drop":
        sessions.get(message.session)?.drop();
        sessions.delete(message.session);
        break;
      case "keep":
        pool.keep(message.bytes);
        break;
      case "ping":
        send({ type: "pong", n: message.n });
        break;
    }
  };

  pipes.listen((chunk) => {
    for (const message of reader.push(chunk)) handle(message as unknown as ToCell);
  });
  send({ type: "ready", engine: engine.hash });
}

/** `gc` is there by a flag of the cell's; no guest can reach it. */
const collectGarbage = (): void => (globalThis as { gc?: () => void }).gc?.();

/** What stands for a socket in `node:http`: connections are the host's. It has what programs set and listen to. */
import { EventEmitter } from "node:events";

export class Socket extends EventEmitter {
  readonly encrypted: boolean;
  readonly authorized: boolean;
  connecting = true;
  destroyed = false;
  readonly writable = true;
  readonly readable = true;
  readonly remoteAddress = undefined;
  readonly #end: (error?: Error) => void;
  #idleMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param end destroys the request that uses it */
  constructor(encrypted: boolean, end: (error?: Error) => void) {
    super();
    this.encrypted = encrypted;
    this.authorized = encrypted;
    this.#end = end;
  }

  /** Emits `timeout` when nothing happens for so long; 0: never. */
  setTimeout(ms: number, callback?: () => void): this {
    this.#idleMs = ms;
    if (callback) this.once("timeout", callback);
    this.touch();
    return this;
  }

  /** Something happened. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.#idleMs > 0 && !this.destroyed)
      this.#timer = setTimeout(() => this.emit("timeout"), this.#idleMs).unref();
  }

  connected(): void {
    this.connecting = false;
    this.emit("connect");
    if (this.encrypted) this.emit("secureConnect");
    this.emit("ready");
  }

  /** The exchange is over. */
  over(hadError: boolean): void {
    if (this.destroyed) return;
    this.destroyed = true;
    clearTimeout(this.#timer);
    this.emit("close", hadError);
  }

  destroy(error?: Error): this {
    this.#end(error);
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

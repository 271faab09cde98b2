/** `WebSocket` is there to say that it isn't. */
class WebSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  constructor() {
    throw new Error(
      "WebSocket is not available inside a sandbox: its connections are HTTP requests, see fetch",
    );
  }
}

export const make = (): unknown => ({ WebSocket });

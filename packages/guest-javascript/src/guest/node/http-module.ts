/** What `node:http` and `node:https` have in common: clients. Their connections are the host's, see `transport.ts`. */
import { EventEmitter } from "node:events";
import { IncomingMessage } from "./http-incoming.ts";
import { METHODS, STATUS_CODES } from "./http-names.ts";
import { OutgoingMessage, validateHeaderName, validateHeaderValue } from "./http-outgoing.ts";
import { ClientRequest } from "./http-request.ts";

/** Options are kept, and mean nothing: the host shares connections among the requests of a run. */
class Agent extends EventEmitter {
  readonly options: object;
  readonly defaultPort: number;
  readonly protocol: string;
  readonly maxSockets: number;
  readonly maxFreeSockets: number;
  readonly maxTotalSockets: number;
  readonly keepAlive: boolean;
  readonly sockets = {};
  readonly freeSockets = {};
  readonly requests = {};

  constructor(protocol: string, options: Readonly<Record<string, unknown>> = {}) {
    super();
    this.options = { ...options };
    this.protocol = protocol;
    this.defaultPort = protocol === "https:" ? 443 : 80;
    this.maxSockets = (options.maxSockets as number) ?? Number.POSITIVE_INFINITY;
    this.maxFreeSockets = (options.maxFreeSockets as number) ?? 256;
    this.maxTotalSockets = (options.maxTotalSockets as number) ?? Number.POSITIVE_INFINITY;
    this.keepAlive = options.keepAlive === true;
  }
  getName({ host = "localhost", port = "" }: { host?: string; port?: number | string } = {}): string {
    return `${host}:${port}:`;
  }
  destroy(): void {}
}

class ServerResponse extends OutgoingMessage {
  statusCode = 200;
  statusMessage: string | undefined;
}

/** The module for a scheme, `http:` or `https:`. */
export function clientModule(scheme: string): Record<string, unknown> {
  const name = `node:${scheme.slice(0, -1)}`;
  const refuse = (what: string) => (): never => {
    throw new Error(`${name} (${what}) is not available inside a sandbox: nothing can connect to it`);
  };
  const request = (...given: unknown[]): ClientRequest => new ClientRequest(scheme, given);
  const SchemeAgent = {
    Agent: class extends Agent {
      constructor(options?: Readonly<Record<string, unknown>>) {
        super(scheme, options);
      }
    },
  }.Agent;
  return {
    request,
    get: (...given: unknown[]): ClientRequest => request(...given).end(),
    Agent: SchemeAgent,
    globalAgent: new SchemeAgent({ keepAlive: true }),
    createServer: refuse("createServer"),
    Server: class Server {
      constructor() {
        refuse("Server")();
      }
    },
    ...(scheme === "https:"
      ? {}
      : {
          ...{
            METHODS,
            STATUS_CODES,
            IncomingMessage,
            OutgoingMessage,
            ServerResponse,
            ClientRequest: Request,
          },
          ...{ validateHeaderName, validateHeaderValue, maxHeaderSize: 16 * 1024 },
          setMaxIdleHTTPParsers: () => {},
        }),
  };
}

/** `new http.ClientRequest(url, …)`, and what requests are instances of. */
const Request = new Proxy(ClientRequest, {
  construct: (_, given, target) => Reflect.construct(ClientRequest, ["http:", given], target),
});

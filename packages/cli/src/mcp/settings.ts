import {
  COMPUTE,
  LIMITS,
  type Parsed,
  parseCompute,
  parseDisk,
  parseHosts,
  parseRam,
  parseTimeout,
  UsageError,
} from "@capsule-run/protocol";

/** What the operator of the server allows: what a call may use at most, and may do without. */
export interface McpSettings {
  /** Fuel of one call. */
  readonly compute: number;
  /** Bytes of memory of one sandbox. */
  readonly ram: number;
  /** Bytes that a workspace may hold. */
  readonly disk: number;
  /** Milliseconds of one call. */
  readonly timeoutMs: number;
  /** Hosts that code may send requests to. */
  readonly hosts: readonly string[];
  /** Sessions that are open at once. */
  readonly maxSessions: number;
  /** Milliseconds without a call after which a session is closed. */
  readonly sessionIdleMs: number;
}

interface Setting<T> {
  readonly flag: `--${string}`;
  /** The variable of the environment that is asked if the flag is not given. */
  readonly variable: string;
  readonly initial: T;
  read(value: string): Parsed<T>;
}

const MOST_SESSIONS = LIMITS.sessions;

function parseCount(value: string): Parsed<number> {
  const count = /^[0-9]{1,4}$/.test(value) ? Number(value) : 0;
  return count >= 1 && count <= MOST_SESSIONS
    ? { ok: true, value: count }
    : { ok: false, allowed: `a number from 1 to ${MOST_SESSIONS}` };
}

/** Digits alone are an amount, as everywhere. */
const plain = (value: string): string | number => (/^[0-9]{1,15}$/.test(value) ? Number(value) : value);

function atMost(parsed: Parsed<number>, most: number, allowed: string): Parsed<number> {
  return parsed.ok && parsed.value > most ? { ok: false, allowed } : parsed;
}

const COMPUTE_SETTING: Setting<number> = {
  flag: "--compute",
  variable: "CAPSULE_MCP_COMPUTE",
  initial: COMPUTE.HIGH,
  read: (value) => atMost(parseCompute(value), COMPUTE.HIGH, `at most HIGH, which is ${COMPUTE.HIGH}`),
};
const RAM_SETTING: Setting<number> = {
  flag: "--ram",
  variable: "CAPSULE_MCP_RAM",
  initial: 2 * 1024 ** 3,
  read: (value) => atMost(parseRam(plain(value)), LIMITS.memoryBytes, "at most 4GB"),
};
const DISK_SETTING: Setting<number> = {
  flag: "--disk",
  variable: "CAPSULE_MCP_DISK",
  initial: 1024 ** 3,
  read: (value) => parseDisk(plain(value)),
};
const TIMEOUT_SETTING: Setting<number> = {
  flag: "--timeout",
  variable: "CAPSULE_MCP_TIMEOUT",
  initial: 60_000,
  read: (value) => parseTimeout(plain(value)),
};
const SESSIONS_SETTING: Setting<number> = {
  flag: "--max-sessions",
  variable: "CAPSULE_MCP_MAX_SESSIONS",
  initial: 8,
  read: parseCount,
};
const IDLE_SETTING: Setting<number> = {
  flag: "--session-idle",
  variable: "CAPSULE_MCP_SESSION_IDLE",
  initial: 30 * 60_000,
  read: (value) => parseTimeout(plain(value)),
};
const HOSTS_FLAG = "--allow-host";
const HOSTS_VARIABLE = "CAPSULE_MCP_ALLOWED_HOSTS";

type Variables = Readonly<Record<string, string | undefined>>;

function settle<T>(parsed: Parsed<T>, name: string, value: string): T {
  if (parsed.ok) return parsed.value;
  throw new UsageError("arguments", `${name} can't be ${JSON.stringify(value)}: it is ${parsed.allowed}`);
}

function readOne<T>(setting: Setting<T>, flags: ReadonlyMap<string, string>, env: Variables): T {
  const { flag, variable, initial, read } = setting;
  const given = flags.get(flag);
  if (given !== undefined) return settle(read(given), flag, given);
  // An empty variable is none: many clients write out all they know.
  const inherited = env[variable]?.trim();
  return inherited ? settle(read(inherited), variable, inherited) : initial;
}

function readHosts(flagged: readonly string[], env: Variables): readonly string[] {
  const name = flagged.length > 0 ? HOSTS_FLAG : HOSTS_VARIABLE;
  const list = flagged.length > 0 ? flagged : (env[HOSTS_VARIABLE] ?? "").split(/[\s,]+/).filter(Boolean);
  const parsed = parseHosts(list);
  return settle(parsed, name, parsed.ok ? "" : String(parsed.wrong ?? list.length));
}

/**
 * The settings that flags make; where there is none, the environment's.
 * @throws UsageError `arguments` for a value that is none
 */
export function readSettings(
  flags: ReadonlyMap<string, string>,
  hosts: readonly string[],
  env: Variables,
): McpSettings {
  return {
    compute: readOne(COMPUTE_SETTING, flags, env),
    ram: readOne(RAM_SETTING, flags, env),
    disk: readOne(DISK_SETTING, flags, env),
    timeoutMs: readOne(TIMEOUT_SETTING, flags, env),
    hosts: readHosts(hosts, env),
    maxSessions: readOne(SESSIONS_SETTING, flags, env),
    sessionIdleMs: readOne(IDLE_SETTING, flags, env),
  };
}

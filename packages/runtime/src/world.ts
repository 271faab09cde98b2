import type { Environment, SecretDeclaration } from "@capsule-run/config";
import { type AttemptCapabilities, type Mount, openAttempt, type Scrubber } from "@capsule-run/host";
import type { Transport } from "@capsule-run/host/network";
import type { RunSecrets } from "@capsule-run/host/secrets";
import {
  type SecretSpec,
  type Surroundings,
  type TaskManifest,
  type TaskPolicy,
  UsageError,
} from "@capsule-run/protocol";
import type { Policies } from "./policies.ts";

/** Where variables have their values. */
export type Variables = Pick<Environment, "get" | "names">;

/** What the tasks of one run may reach. */
export interface RunWorld {
  /** What a task gets: what it asks for, the project's defaults where it does not say, and never more than the ceiling. */
  policyOf(task: TaskManifest): TaskPolicy;
  /** What the ceiling cuts of what a task asks for, in lines; given once for each task. */
  newCuts(task: TaskManifest): readonly string[];
  /** What an attempt sees beside its arguments. */
  surroundings(policy: TaskPolicy): Surroundings;
  /** The capabilities of one attempt. */
  open(policy: TaskPolicy): AttemptCapabilities;
  /** The run is over: its connections are. */
  close(): void;
  /** Text with placeholders where values of secrets were. */
  scrub(text: string): string;
  /** The same for the output of one attempt, across the borders of its pieces; null: there are no secrets. */
  scrubbers(): Readonly<Record<"stdout" | "stderr", Scrubber>> | null;
}

export interface WorldOptions {
  /** The run's id. */
  readonly run: string;
  /** The project root: absolute. */
  readonly root: string;
  /** Of the program. */
  readonly tasks: readonly TaskManifest[];
  readonly policies: Policies;
  readonly environment: Variables;
  /** What `[secrets]` declares. */
  readonly secrets: readonly SecretDeclaration[];
  /** Random text that only the host knows. */
  readonly seed: string;
  /** Nobody waits for the run any more. */
  readonly signal: AbortSignal;
  /** The connections of the runtime. */
  transport(): Promise<Transport>;
  /** Told of folders that a task asks for and can't have. */
  warn(message: string): void;
}

/**
 * What the tasks of a run may reach. Values of secrets are got only if a task sees them.
 * @throws UsageError for a secret that has no value
 */
export async function openWorld(options: WorldOptions): Promise<RunWorld> {
  const { run, tasks, policies } = options;
  const visible = new Set(tasks.flatMap((task) => policies.of(task).environment));
  const secrets = await openSecrets(options, visible);
  const variable = plainVariables(options);
  const mounts = await openMounts(
    options,
    tasks.some((task) => policies.mounts(policies.of(task)).length > 0),
  );
  let transport: Promise<Transport> | null = null;
  const connections = (): Promise<Transport> => {
    transport ??= options.transport();
    return transport;
  };
  return {
    policyOf: policies.of,
    newCuts: policies.newCuts,
    surroundings: (policy) => {
      const { environment: names } = policy;
      const seen = secrets?.environment(names, variable) ?? plainly(names, variable);
      const folders = mounts.of(policy).map(({ guest, writable }) => ({ path: guest, writable }));
      return { environment: seen, mounts: folders };
    },
    open: (policy) =>
      openAttempt({
        files: async () => (await import("@capsule-run/host/files")).openFiles(mounts.of(policy)),
        network: async () => {
          const [{ openNetwork }, transport] = await Promise.all([
            import("@capsule-run/host/network"),
            connections(),
          ]);
          return openNetwork({
            hosts: policy.hosts,
            secrets: secrets?.onTheWay() ?? null,
            transport,
            scope: run,
          });
        },
        scrub: (text) => secrets?.scrub(text) ?? text,
      }),
    // Who waited for connections that could not be made has heard of it.
    close: () => void transport?.then((made) => made.leave(run)).catch(() => {}),
    scrub: (text) => secrets?.scrub(text) ?? text,
    scrubbers: () => {
      const [stdout, stderr] = [secrets?.onTheWay().scrubber(), secrets?.onTheWay().scrubber()];
      return stdout && stderr ? { stdout, stderr } : null;
    },
  };
}

interface Mounts {
  of(policy: TaskPolicy): readonly Mount[];
}

/**
 * What folders the tasks of a run see. One that is not there, or that a symlink leads out of the project, is not there
 * for them either.
 */
async function openMounts({ root, policies, warn }: WorldOptions, any: boolean): Promise<Mounts> {
  if (!any) return { of: () => [] };
  const { checkMount } = await import("@capsule-run/host/files");
  const folders = new Map<string, string | null>();
  const folderOf = (path: string): string | null => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    let folder: string | null = null;
    try {
      folder = checkMount(root, path);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      warn(`a task asks for files: ${error.text}`);
    }
    folders.set(path, folder);
    return folder;
  };
  return {
    of: (policy) =>
      policies.mounts(policy).flatMap(({ host: path, guest, mode }) => {
        const host = folderOf(path);
        if (host === null) return [];
        return [
          {
            host,
            guest: guest === "." ? GUEST_ROOT : `${GUEST_ROOT}/${guest}`,
            writable: mode === "read-write",
          },
        ];
      }),
  };
}

/** Where the project root is in a sandbox. */
const GUEST_ROOT = "/app";

/** On Windows a variable has one name, however it is written. */
const written = process.platform === "win32" ? (name: string) => name.toUpperCase() : (name: string) => name;

/**
 * Values of variables that are no secrets. A program that turned out to need more of its engine is loaded again, and may
 * say another time what its tasks ask for: a secret that none of them asked for when the run began is not there.
 */
function plainVariables({ environment, secrets }: WorldOptions): Variables["get"] {
  const kept = new Set(secrets.map(({ name }) => written(name)));
  return (name) => (kept.has(written(name)) ? undefined : environment.get(name));
}

const plainly = (names: readonly string[], get: Variables["get"]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** The variables of a project's tasks. Its files are read when the first one is asked for: few programs do. */
export function openVariables(read: () => Environment, warn: (message: string) => void): Variables {
  let made: Environment | null = null;
  const environment = (): Environment => {
    if (made) return made;
    made = read();
    for (const warning of made.warnings) warn(warning);
    return made;
  };
  return { get: (name) => environment().get(name), names: () => environment().names() };
}

/** The secrets that a task sees; null if there are none. */
async function openSecrets(
  { root, environment, secrets, seed, signal }: WorldOptions,
  visible: ReadonlySet<string>,
): Promise<RunSecrets | null> {
  const wanted = secrets.filter(({ name }) => visible.has(name));
  if (wanted.length === 0) return null;
  const [{ resolveSecret }, { createSecrets }] = await Promise.all([
    import("@capsule-run/config"),
    import("@capsule-run/host/secrets"),
  ]);
  const specs = wanted.map(async (declaration): Promise<SecretSpec> => {
    const { name, hosts, query, body } = declaration;
    return { name, hosts, query, body, value: await resolveSecret(declaration, root, environment, signal) };
  });
  return createSecrets(await Promise.all(specs), seed);
}

import { type Amount, type SecretDeclaration, type Variables, withoutSecrets } from "@capsule-run/config";
import {
  type AttemptCapabilities,
  type Capability,
  openAttempt,
  openShared,
  type Scrubber,
  type SharedCapabilities,
  type SharedParts,
} from "@capsule-run/host";
import type { DiskBudget } from "@capsule-run/host/files";
import type { Transport } from "@capsule-run/host/network";
import type { RunSecrets } from "@capsule-run/host/secrets";
import type { SecretSpec, Surroundings, TaskManifest, TaskPolicy } from "@capsule-run/protocol";
import { type MountsOptions, openMounts } from "./mounts.ts";

/** What the tasks of one run may reach. */
export interface RunWorld {
  /** What a task gets: what it asks for, the project's defaults where it does not say, and never more than the ceiling. */
  policyOf(task: TaskManifest): TaskPolicy;
  /** The amounts of a policy that the ceiling has lowered. */
  lowered(policy: TaskPolicy): ReadonlySet<Amount>;
  /** What the ceiling cuts of what a task asks for, in lines; given once for each task. */
  newCuts(task: TaskManifest): readonly string[];
  /** What an attempt sees beside its arguments. */
  surroundings(policy: TaskPolicy): Surroundings;
  /** The capabilities of one attempt. */
  open(policy: TaskPolicy, tools: Capability): AttemptCapabilities;
  /** Those that the attempts of a session share. */
  share(policy: TaskPolicy): SharedCapabilities;
  /** The run is over: its connections are. */
  close(): void;
  /** Text with placeholders where values of secrets were. */
  scrub(text: string): string;
  /** The same for the output of one attempt, across the borders of its pieces; null: there are no secrets. */
  scrubbers(): Readonly<Record<"stdout" | "stderr", Scrubber>> | null;
}

export interface WorldOptions extends MountsOptions {
  /** The run's id. */
  readonly run: string;
  readonly environment: Variables;
  /** What `[secrets]` declares. */
  readonly secrets: readonly SecretDeclaration[];
  /** Random text that only the host knows. */
  seed(): string;
  /** Nobody waits for the run any more. */
  readonly signal: AbortSignal;
  /** Pays for what all attempts add to the disk; undefined: one of the run's own. */
  readonly disk?: DiskBudget | undefined;
  /** The connections of the runtime. */
  transport(): Promise<Transport>;
}

/**
 * What the tasks of a run may reach. Values of secrets are got only if a task sees them.
 * @throws UsageError for a secret that has no value
 */
export async function openWorld(options: WorldOptions): Promise<RunWorld> {
  const { run, tasks, policies } = options;
  const visible = new Set(tasks.flatMap((task) => policies.of(task).environment));
  const secrets = await openSecrets(options, visible);
  const variable = withoutSecrets(options.environment, options.secrets);
  const mounts = await openMounts(options);
  let transport: Promise<Transport> | null = null;
  const connections = (): Promise<Transport> => {
    transport ??= options.transport();
    return transport;
  };
  let { disk } = options;
  const openFiles = async (policy: TaskPolicy): Promise<Capability> => {
    const files = await import("@capsule-run/host/files");
    disk ??= new files.DiskBudget();
    return files.openFiles(mounts.of(policy), disk);
  };
  const reach = (policy: TaskPolicy): SharedParts => ({
    files: () => openFiles(policy),
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
  });
  return {
    policyOf: policies.of,
    lowered: policies.lowered,
    newCuts: policies.newCuts,
    surroundings: (policy) => {
      const { environment: names } = policy;
      const seen = secrets?.environment(names, variable) ?? plainly(names, variable);
      const folders = mounts.of(policy).map(({ guest, writable }) => ({ path: guest, writable }));
      return { environment: seen, mounts: folders };
    },
    open: (policy, tools) => openAttempt({ ...reach(policy), tools }),
    share: (policy) => openShared(reach(policy)),
    // Who waited for connections that could not be made has heard of it.
    close: () => void transport?.then((made) => made.leave(run)).catch(() => {}),
    scrub: (text) => secrets?.scrub(text) ?? text,
    scrubbers: () => {
      const [stdout, stderr] = [secrets?.onTheWay().scrubber(), secrets?.onTheWay().scrubber()];
      return stdout && stderr ? { stdout, stderr } : null;
    },
  };
}

const plainly = (names: readonly string[], get: Variables["get"]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );

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
  return createSecrets(await Promise.all(specs), seed());
}

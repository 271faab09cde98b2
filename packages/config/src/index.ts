export { type Allowance, allowance, checkMemory, type Wishes } from "./allowance.ts";
export { type Ceiling, NO_CEILING } from "./ceiling.ts";
export {
  type Environment,
  openVariables,
  readEnvironment,
  type Variables,
  withoutSecrets,
} from "./environment.ts";
export { meetHosts } from "./hosts.ts";
export { type ProjectMount, parseMounts } from "./mounts.ts";
export { type Amount, type Policies, policiesFor } from "./policies.ts";
export { readCeiling } from "./policy.ts";
export { type Project, type ProjectRequest, readProject } from "./project.ts";
export { parseSecret, resolveSecret, type SecretDeclaration, type SecretSource } from "./secrets.ts";

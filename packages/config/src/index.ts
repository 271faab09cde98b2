export { type Ceiling, intersect, NO_CEILING, SEALED } from "./ceiling.ts";
export { cutsOf } from "./cuts.ts";
export { ENVIRONMENT_FILES, type Environment, readEnvironment } from "./environment.ts";
export { limitMounts, mountsOf, type ProjectMount, parseMounts } from "./mounts.ts";
export { readCeiling } from "./policy.ts";
export { type Project, type ProjectRequest, readProject } from "./project.ts";
export { parseSecret, resolveSecret, type SecretDeclaration, type SecretSource } from "./secrets.ts";
export { type Settled, settle } from "./settle.ts";

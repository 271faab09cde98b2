export { ENVIRONMENT_FILES, type Environment, readEnvironment } from "./environment.ts";
export { type Project, type ProjectRequest, readProject } from "./project.ts";
export { parseSecret, resolveSecret, type SecretDeclaration, type SecretSource } from "./secrets.ts";

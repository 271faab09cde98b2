export { type Project, type ProjectRequest, readProject } from "./project.ts";

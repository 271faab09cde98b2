export { dependenciesOf, type Fetched } from "./dependencies.ts";

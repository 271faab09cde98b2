export { type Parameters, parametersOf } from "./parameters.ts";
export { preparePositions } from "./positions.ts";
export { type Translated, type TranslateOptions, translatePlaces, translateReport } from "./translate.ts";

export { type Parameters, parametersOf } from "./parameters.ts";
export { type Translated, type TranslateOptions, translatePlaces, translateReport } from "./translate.ts";

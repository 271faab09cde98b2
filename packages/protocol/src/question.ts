/**
 * A question to the disk whose answer decided what a program became: if no answer has changed, making
 * it again gives the same. Paths are absolute.
 */
export type Question =
  /** What is in the file? Or is there none? */
  | { readonly kind: "file"; readonly path: string }
  /** Which names in the folder are `stem`, or `stem` with extensions (all names if it is "")? Or is there no folder? */
  | { readonly kind: "names"; readonly path: string; readonly stem: string }
  /** Which file is it really, links followed? Or is there none? */
  | { readonly kind: "link"; readonly path: string };

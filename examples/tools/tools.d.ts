// Made of the tools of a host program, for programs that import { tools } from "@capsule-run/sdk".
interface HostTools {
  /** Items whose name holds the words. */
  search(words: string): Promise<{ item: string }[]>;
  /** Price of an item, in euros. */
  price(input: { item: string }): Promise<number>;
  /** Orders an item. */
  buy(input: { item: string; count: number }): Promise<string>;
}
declare module "@capsule-run/sdk" {
  interface ProgramTools extends HostTools {}
}

export {};

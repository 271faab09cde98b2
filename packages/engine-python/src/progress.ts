/** What is being done, for people who wait. */
export interface Progress {
  readonly step: "waiting" | "fetching" | "checking" | "rewriting" | "starting" | "writing";
  /** Of `total`: bytes when fetching and checking; 0 of 0 where nobody knows. */
  readonly done: number;
  readonly total: number;
  /** Whom it is waiting for, what it fetches with, which variant it makes. */
  readonly detail: string;
}

export type OnProgress = (progress: Progress) => void;

/** A step in words, for people. */
export interface Step {
  readonly text: string;
  readonly done: number;
  readonly total: number;
}

const WORDS: Readonly<Record<Progress["step"], (detail: string) => string>> = {
  waiting: () => "waiting for another capsule that prepares the Python engine",
  fetching: (tool) => `fetching the Python engine with ${tool}`,
  checking: (name) => `checking ${name}`,
  rewriting: (variant) => `preparing the Python engine (${variant}), once for this machine`,
  starting: (variant) => `preparing the Python engine (${variant}), once for this machine`,
  writing: (variant) => `preparing the Python engine (${variant}), once for this machine`,
};

export const inWords = ({ step, done, total, detail }: Progress): Step => ({
  text: WORDS[step](detail),
  done,
  total,
});

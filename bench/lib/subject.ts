/** One line of the table. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: "ms" | "s" | "×" | "MB" | "KB" | "µs";
  /** The most it should be; none where nothing is promised. */
  readonly wanted?: number;
  /** What the number leaves out: spread, number of samples. */
  readonly note?: string;
}

export interface Effort {
  /** Fewer rounds: enough to see that it works, not to compare. */
  readonly quick: boolean;
}

/** A part of the bench. It says what is measured where the docstring of its `measure` is. */
export interface Subject {
  readonly name: string;
  readonly title: string;
  measure(effort: Effort): Promise<readonly Measurement[]>;
}

export const isMissed = ({ value, wanted }: Measurement): boolean =>
  wanted !== undefined && !(value <= wanted);

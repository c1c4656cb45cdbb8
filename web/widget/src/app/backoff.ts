const first = 1_000;
const longest = 30_000;

/** Waiting times between attempts: doubling from 1 s to 30 s, each drawn evenly from zero up ("full jitter"). */
export class Backoff {
  private attempts = 0;
  private readonly random: () => number;

  constructor(random: () => number = Math.random) {
    this.random = random;
  }

  /** The time to wait before the next attempt; never shorter than the server asked for. */
  next(atLeast: number | null = null): number {
    const ceiling = Math.min(longest, first * 2 ** Math.min(this.attempts++, 10));
    return Math.max(atLeast ?? 0, Math.round(this.random() * ceiling));
  }

  reset(): void {
    this.attempts = 0;
  }
}

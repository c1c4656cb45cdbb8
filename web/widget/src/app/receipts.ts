/** How far the visitor has come; an absent field is not told. */
export interface Progress {
  delivered?: number;
  read?: number;
}

const gap = 1_000;
const gapAfterFailure = 10_000;

/** Tells the server how far messages have been received and read: never backwards, at most once in a second. */
export class Receipts {
  private readonly tell: (upTo: Progress) => Promise<void>;
  private wanted = { delivered: 0, read: 0 };
  private told = { delivered: 0, read: 0 };
  private timer: ReturnType<typeof setTimeout> | null = null;
  private busy = false;
  private stopped = false;

  /** Told is what the server has heard already on an earlier page. */
  constructor(tell: (upTo: Progress) => Promise<void>, told = 0) {
    this.tell = tell;
    this.told = { delivered: told, read: told };
  }

  delivered(seq: number): void {
    this.wanted.delivered = Math.max(this.wanted.delivered, seq);
    this.schedule(gap);
  }

  read(seq: number): void {
    this.wanted.read = Math.max(this.wanted.read, seq);
    this.delivered(seq);
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.stopped = true;
  }

  private due(): Progress | null {
    const upTo: Progress = {};
    if (this.wanted.delivered > this.told.delivered) upTo.delivered = this.wanted.delivered;
    if (this.wanted.read > this.told.read) upTo.read = this.wanted.read;
    return upTo.delivered === undefined && upTo.read === undefined ? null : upTo;
  }

  private schedule(after: number): void {
    if (this.stopped || this.busy || this.timer !== null || !this.due()) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.flush();
    }, after);
  }

  private async flush(): Promise<void> {
    const upTo = this.due();
    if (!upTo) return;
    this.busy = true;
    let next = gap;
    try {
      await this.tell(upTo);
      this.told = { delivered: upTo.delivered ?? this.told.delivered, read: upTo.read ?? this.told.read };
    } catch {
      // A lost receipt is told again: it says only how far, so repeating it does no harm.
      next = gapAfterFailure;
    }
    this.busy = false;
    this.schedule(next);
  }
}

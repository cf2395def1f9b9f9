const LONGEST_WAIT_MS = 30_000;
const FULL = 32;

// --8<-- [start:circuit]
/** What this isolate knows of one site. Another isolate learns for itself. */
export class Circuit {
  private limit = Infinity; // requests at a time: 0 is open, Infinity is closed
  private inFlight = 0;
  private askAgainAt = 0;
  private busyUntil = 0;
  private waitMs: number;

  constructor(private readonly firstWaitMs: number) {
    this.waitMs = firstWaitMs;
  }

  enter(): boolean {
    if (this.inFlight >= this.limit) return false;
    this.inFlight++;
    return true;
  }

  /** Each good answer of a site that came back lets one more request in. */
  leave(answered: boolean): void {
    this.inFlight--;
    if (!answered || this.limit === 0 || this.limit === Infinity) return;
    this.limit++;
    if (this.limit < FULL) return;
    this.limit = Infinity;
    this.waitMs = this.firstWaitMs;
  }

  /** A failed request is only a suspicion. The site's own health decides. */
  shouldAsk(suspicious: boolean): boolean {
    const now = Date.now();
    if (now < this.busyUntil) return false;
    return this.limit === 0 ? now >= this.askAgainAt : suspicious;
  }

  async ask(probe: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    this.busyUntil = Date.now() + 2 * timeoutMs; // in case nobody lives to hear the answer
    const healthy = await probe();
    this.busyUntil = 0;
    if (!healthy) this.open();
    else if (this.limit === 0) this.limit = 1;
  }

  get opensInMs(): number {
    return this.limit === 0 ? Math.max(0, this.askAgainAt - Date.now()) : 0;
  }

  // Chance keeps all isolates from asking in the same moment.
  private open(): void {
    this.limit = 0;
    this.askAgainAt = Date.now() + this.waitMs * (0.5 + Math.random() / 2);
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
  }
}
// --8<-- [end:circuit]

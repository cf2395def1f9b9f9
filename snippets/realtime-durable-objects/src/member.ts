import { byteLength } from "./frames";

/** What survives hibernation, kept on the socket itself. */
export type State = {
  user: string;
  requestId: string;
  joinedMs: number;
  expiresMs: number;
  /** Has the whole history, and gets each new message as it comes. */
  live: boolean;
  unreadBytes: number;
  check: { value: string; coversBytes: number } | null;
};

const BURST = 10;
const CHECK_EVERY_BYTES = 32 * 1024;
const MOST_UNREAD_BYTES = 256 * 1024;

/** One socket in the room. */
export class Member {
  refusals = 0;
  private allowance = BURST;
  private countedMs = Date.now();

  constructor(
    readonly socket: WebSocket,
    readonly state: State,
  ) {}

  // --8<-- [start:rate]
  /**
   * Return 0, or how long to wait before the next frame. The count lives in memory: an
   * object that slept had no frames for so long that the allowance is full again.
   */
  waitMs(perSecond: number): number {
    const now = Date.now();
    const earned = ((now - this.countedMs) / 1000) * perSecond;
    this.allowance = Math.min(BURST, this.allowance + earned);
    this.countedMs = now;
    if (this.allowance < 1) return Math.ceil(((1 - this.allowance) / perSecond) * 1000);
    this.allowance -= 1;
    return 0;
  }
  // --8<-- [end:rate]

  // --8<-- [start:send]
  /**
   * Send, unless too much is on its way already. The runtime queues without a bound and does
   * not say how much, so the member must repeat a value that only a reader can know.
   */
  send(frame: string, bytes = byteLength(frame)): boolean {
    const { state } = this;
    if (state.unreadBytes + bytes > MOST_UNREAD_BYTES) return false;
    try {
      this.socket.send(frame);
    } catch {
      return false; // It is closing; its close event is on the way.
    }
    state.unreadBytes += bytes;
    if (state.check === null && state.unreadBytes >= CHECK_EVERY_BYTES) this.ask();
    this.save(); // each time: in a quiet room the object sleeps after every message
    return true;
  }

  private ask(): void {
    const value = crypto.randomUUID();
    this.state.check = { value, coversBytes: this.state.unreadBytes };
    this.socket.send(JSON.stringify({ type: "check", value }));
  }

  answer(value: string): void {
    if (this.state.check?.value !== value) return;
    this.state.unreadBytes -= this.state.check.coversBytes;
    this.state.check = null;
    this.save();
  }

  private save(): void {
    this.socket.serializeAttachment(this.state);
  }
  // --8<-- [end:send]
}

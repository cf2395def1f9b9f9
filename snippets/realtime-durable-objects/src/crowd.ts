import { byteLength } from "./frames";
import { Member, type State } from "./member";

const MISSED_HEARTBEATS = 3;

// --8<-- [start:codes]
/** Why a socket is closed. From each but the first four a client may join again. */
const CUT = {
  binary: [1003, "Frames are text."],
  large: [1009, "The frame is too large."],
  broken: [4400, "Too many frames were refused."],
  replaced: [4409, "Too many sockets of this user: a newer one took the place."],
  expired: [4401, "The token has expired: get another."],
  slow: [4408, "Too slow: join again."],
  silent: [4410, "No heartbeat: join again."],
  fast: [4429, "Too many frames: wait before you join again."],
} as const satisfies Record<string, readonly [number, string]>;
// --8<-- [end:codes]

/** Everyone who is in the room now. */
export class Crowd {
  private readonly members = new Map<WebSocket, Member>();
  private sweptMs = 0;

  // --8<-- [start:wake]
  constructor(private readonly ctx: DurableObjectState) {
    // Runs again at each wake-up: the sockets are open, and each brings its own state.
    for (const socket of ctx.getWebSockets()) {
      const state = socket.deserializeAttachment() as State | null;
      if (state !== null) this.members.set(socket, new Member(socket, state));
    }
    // Answered by the runtime, without waking the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }
  // --8<-- [end:wake]

  get size(): number {
    return this.members.size;
  }

  /** Undefined for a socket that was cut, whose last frames are still on their way. */
  of(socket: WebSocket): Member | undefined {
    return this.members.get(socket);
  }

  all(): Member[] {
    return [...this.members.values()];
  }

  online(): string[] {
    return [...new Set(this.all().map(({ state }) => state.user))].sort();
  }

  // --8<-- [start:enter]
  enter(socket: WebSocket, state: State): Member {
    const member = new Member(socket, state);
    const { user } = state;
    if (!this.online().includes(user)) this.tell({ type: "joined", user });
    this.members.set(socket, member);
    this.log("joined", member);
    return member;
  }

  leave(socket: WebSocket, event: string): void {
    const member = this.members.get(socket);
    if (member === undefined) return;
    this.members.delete(socket);
    this.log(event, member);
    const { user } = member.state;
    if (!this.online().includes(user)) this.tell({ type: "left", user });
  }

  cut(member: Member, why: keyof typeof CUT): void {
    const [code, reason] = CUT[why];
    member.socket.serializeAttachment(null);
    member.socket.close(code, reason);
    this.leave(member.socket, `cut_${why}`);
  }
  // --8<-- [end:enter]

  // --8<-- [start:tell]
  /** To everyone who is ready for it. A slow member is cut and never waited for. */
  tell(frame: object, to: (member: Member) => boolean = () => true): void {
    const text = JSON.stringify(frame);
    const bytes = byteLength(text);
    const slow = this.all().filter((member) => to(member) && !member.send(text, bytes));
    for (const member of slow) this.cut(member, "slow");
  }

  sendTo(member: Member, frame: object): void {
    if (!member.send(JSON.stringify(frame))) this.cut(member, "slow");
  }
  // --8<-- [end:tell]

  // --8<-- [start:silent]
  /** Looks only while something happens: in a quiet room a dead socket costs nothing. */
  cutTheSilent(everyMs: number): void {
    const now = Date.now();
    if (now - this.sweptMs < everyMs) return;
    this.sweptMs = now;
    for (const member of this.all()) {
      const heard = this.ctx.getWebSocketAutoResponseTimestamp(member.socket)?.getTime();
      const silentMs = now - (heard ?? member.state.joinedMs);
      if (silentMs > MISSED_HEARTBEATS * everyMs) this.cut(member, "silent");
    }
  }
  // --8<-- [end:silent]

  log(event: string, { state }: Member, more: Record<string, unknown> = {}): void {
    const { requestId, user } = state;
    const line = { event, room: this.ctx.id.name, requestId, user, ...more };
    console.log(JSON.stringify(line));
  }
}

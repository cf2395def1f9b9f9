import { DurableObject } from "cloudflare:workers";
import { Crowd } from "./crowd";
import { PROTOCOL } from "./door";
import { json } from "./errors";
import { type Frame, FrameError, isTooLarge, parseFrame } from "./frames";
import { History, type Page } from "./history";
import type { Member } from "./member";

const MOST_SOCKETS = 200;
const MOST_SOCKETS_PER_USER = 5;
// With those that were cut and whose clients have not answered.
const MOST_OPEN = 300;
const MOST_OPEN_PER_USER = 10;
const MOST_REFUSALS = 10;
const DAY_MS = 86_400_000;
const PAUSE_MS = 1000;

export class Room extends DurableObject<Env> {
  private readonly history = new History(this.ctx.storage);
  private readonly crowd = new Crowd(this.ctx);

  // --8<-- [start:join]
  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const [user, requestId] = [query.get("user"), query.get("requestId")];
    if (user === null || requestId === null) throw new Error("The Worker names both.");
    const [expiresMs, since] = [Number(query.get("expiresMs")), query.get("since")];
    await this.wakeBy(expiresMs);

    this.cutTheSilent();
    // A user whose network changed comes back before the old socket is known to be dead.
    const own = this.crowd.all().filter(({ state }) => state.user === user);
    const [oldest] = own;
    const full = this.crowd.size >= MOST_SOCKETS && own.length < MOST_SOCKETS_PER_USER;
    if (full || this.ctx.getWebSockets().length >= MOST_OPEN)
      return this.turnAway(503, "room_full", "The room is full.", { requestId, user });
    // A socket that was cut stays open until its client answers or its end is noticed.
    if (this.ctx.getWebSockets(user).length >= MOST_OPEN_PER_USER) {
      const message = "Too many of your old sockets are still open.";
      return this.turnAway(429, "too_many_sockets", message, { requestId, user });
    }

    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket, [user]);
    const member = this.crowd.enter(socket, {
      user,
      requestId,
      joinedMs: Date.now(),
      expiresMs,
      live: false,
      unreadBytes: 0,
      check: null,
    });
    if (oldest && own.length >= MOST_SOCKETS_PER_USER) this.crowd.cut(oldest, "replaced");
    this.crowd.sendTo(member, { type: "welcome", user, online: this.crowd.online() });
    this.catchUp(member, since === null ? null : Number(since));
    const headers = { "Sec-WebSocket-Protocol": PROTOCOL };
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  private turnAway(status: number, code: string, message: string, who: object): Response {
    const line = { event: "refused", ...who, status, code, room: this.ctx.id.name };
    console.warn(JSON.stringify(line));
    return json({ error: { code, message } }, status, { "Retry-After": "30" });
  }
  // --8<-- [end:join]

  /** The same history, for callers without a socket. */
  read(since: number | null): Page {
    return this.history.page(since);
  }

  // --8<-- [start:message]
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const member = this.crowd.of(socket);
    if (member === undefined) return;
    if (Date.now() >= member.state.expiresMs) return this.crowd.cut(member, "expired");
    if (typeof data !== "string") return this.crowd.cut(member, "binary");
    if (isTooLarge(data)) return this.crowd.cut(member, "large");
    this.cutTheSilent();
    const retryAfterMs = member.waitMs(Number(this.env.FRAMES_PER_SECOND));
    let frame: Frame | undefined;
    try {
      frame = parseFrame(data);
      // The answer to a check is asked for once, so it needs no limit.
      const asked = frame.type === "check" && frame.value === member.state.check?.value;
      if (retryAfterMs > 0 && !asked)
        throw new FrameError("rate_limited", "Too many frames.", { retryAfterMs });
      this.handle(member, frame);
      member.refusals = 0;
    } catch (error) {
      this.refuse(member, error, frame?.type === "send" ? { key: frame.key } : {});
    }
  }

  private handle(member: Member, frame: Frame): void {
    if (frame.type === "check") return member.answer(frame.value);
    if (frame.type === "resume") return this.catchUp(member, frame.since);
    const { message, fresh } = this.history.add(member.state.user, frame.key, frame.text);
    // Nothing leaves the object before the write is durable: the runtime holds it back.
    if (fresh) this.crowd.tell({ type: "message", ...message }, ({ state }) => state.live);
    this.crowd.sendTo(member, { type: "sent", key: frame.key, id: message.id });
  }
  // --8<-- [end:message]

  // --8<-- [start:catch-up]
  /**
   * One page, read and sent without a pause, so that no message falls between the last page
   * and the first one that comes live.
   */
  private catchUp(member: Member, since: number | null): void {
    const page = this.history.page(since);
    member.state.live = !page.more;
    this.crowd.sendTo(member, { type: "history", ...page });
  }
  // --8<-- [end:catch-up]

  // --8<-- [start:refuse]
  private refuse(member: Member, error: unknown, of: { key?: string }): void {
    const known = error instanceof FrameError;
    const { code, message, more } = known
      ? error
      : new FrameError("not_stored", "The room could not do this. Try again.");
    if (!known) this.crowd.log("failed", member, { error: String(error) });
    member.refusals += 1;
    if (member.refusals > MOST_REFUSALS)
      return this.crowd.cut(member, code === "rate_limited" ? "fast" : "broken");
    this.crowd.sendTo(member, { type: "error", error: { code, message }, ...of, ...more });
  }
  // --8<-- [end:refuse]

  // --8<-- [start:close]
  override webSocketClose(socket: WebSocket): void {
    this.crowd.leave(socket, "left");
    socket.close(1000); // Where the runtime has answered already, this does nothing.
  }

  override webSocketError(socket: WebSocket): void {
    this.crowd.leave(socket, "lost");
  }
  // --8<-- [end:close]

  // --8<-- [start:alarm]
  override async alarm(): Promise<void> {
    try {
      await this.tidy();
    } catch (error) {
      const line = { event: "alarm_failed", room: this.ctx.id.name, error: String(error) };
      console.error(JSON.stringify(line));
      throw error; // Then the runtime tries again.
    }
  }

  private async tidy(): Promise<void> {
    const now = Date.now();
    for (const member of this.crowd.all())
      if (member.state.expiresMs <= now) this.crowd.cut(member, "expired");
    const keepMs = Number(this.env.KEEP_DAYS) * DAY_MS;
    const oldest = this.history.expire(now - keepMs);
    const times = this.crowd.all().map(({ state }) => state.expiresMs);
    if (oldest !== null) times.push(oldest + keepMs);
    // Not at once, so that an alarm with much to do lets messages pass in between.
    if (times.length > 0) await this.wakeBy(Math.max(Math.min(...times), now + PAUSE_MS));
  }

  /** There is one alarm: it stands at the earliest of all times that matter. */
  private async wakeBy(timeMs: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > timeMs) await this.ctx.storage.setAlarm(timeMs);
  }
  // --8<-- [end:alarm]

  private cutTheSilent(): void {
    this.crowd.cutTheSilent(Number(this.env.HEARTBEAT_SECONDS) * 1000);
  }
}

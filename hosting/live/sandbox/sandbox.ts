import { DurableObject } from "cloudflare:workers";
import { readAnswer } from "./answer";
import { limiter } from "./limiter";
import type { Call, Incoming, Outcome, Refusal } from "./protocol";

type Use = {
  open: number;
  day: string;
  calls: number;
  minute_ms: number;
  minute_calls: number;
  last_ms: number;
};

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const USE = "CREATE TABLE live_use (open, day, calls, minute_ms, minute_calls, last_ms)";

/**
 * One visitor's copy of one example. The example's own handler runs in here, and each of its bindings is a view of this
 * object's storage: another visitor's data is in another object, which no code in here can name.
 */
export abstract class Sandbox<E = unknown> extends DurableObject<E> {
  protected readonly idleMs: number = 30 * MINUTE_MS;
  protected readonly callsPerMinute: number = 60;
  protected readonly callsPerDay: number = 100;
  protected readonly wallMs: number = 5_000;
  protected readonly mostBytes: number = 256 * 1024;
  protected readonly schema: string[] = [];
  private readonly limiters = new Map<string, RateLimit>();

  protected abstract handle(request: Incoming): Promise<Response>;

  async call(call: Call, admitted: boolean): Promise<Outcome> {
    if (!this.isOpen()) {
      if (!admitted) return { new: true };
      await this.create();
    }
    const refused = this.count();
    if (refused) return { refused };
    try {
      return await this.answer(call);
    } catch (error) {
      console.error({ event: "example_failed", requestId: call.requestId, error: String(error) });
      return { refused: { status: 502, code: "example_failed", message: "The example failed." } };
    }
  }

  private async answer({ method, url, headers, body }: Call): Promise<Outcome> {
    const begun = Date.now();
    const hasBody = method !== "GET" && method !== "HEAD" && body !== "";
    const request = new Request(url, { method, headers, body: hasBody ? body : null }) as Incoming;
    let timer: number | null = null;
    const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, this.wallMs, null)));
    const answered = this.handle(request).then((response) => readAnswer(response, method));
    answered.catch(() => {}); // What fails after the deadline has nobody left to tell.
    // A timer that is left running keeps the object awake, and its time is billed.
    const answer = await Promise.race([answered, late]).finally(() => clearTimeout(timer));
    if (answer) return { answer: { ...answer, ms: Date.now() - begun } };
    return { refused: { status: 504, code: "example_too_slow", message: `No answer within ${this.wallMs} ms.` } };
  }

  private use(): Use | null {
    const { sql } = this.ctx.storage;
    const found = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'live_use'").toArray();
    return found.length ? sql.exec<Use>("SELECT * FROM live_use").one() : null;
  }

  protected isOpen(): boolean {
    return this.use()?.open === 1;
  }

  private async create(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + this.idleMs);
    const { sql } = this.ctx.storage;
    const before = this.use();
    this.ctx.storage.transactionSync(() => {
      // A comment after the last statement is an error here, though not to D1's migrations.
      for (const statements of this.schema) sql.exec(statements.replace(/^--.*$/gm, "").trim());
      if (before) return sql.exec("UPDATE live_use SET open = 1");
      sql.exec(USE);
      return sql.exec("INSERT INTO live_use VALUES (1, '', 0, 0, 0, 0)");
    });
  }

  private count(): Refusal | null {
    const { sql } = this.ctx.storage;
    const use = sql.exec<Use>("SELECT * FROM live_use").one();
    const now = Date.now();
    const today = new Date(now).toISOString().slice(0, 10);
    const calls = use.day === today ? use.calls : 0;
    if (calls >= this.callsPerDay) {
      const message = "This sandbox has answered its last call of today. Tomorrow it answers again.";
      const retryAfterS = Math.ceil((endOf(today) - now) / 1000);
      return { status: 429, code: "sandbox_used_up", message, retryAfterS };
    }
    const leftMs = use.minute_ms + MINUTE_MS - now;
    if (leftMs > 0 && use.minute_calls >= this.callsPerMinute) {
      const message = "This is more than the sandbox answers in a minute.";
      return { status: 429, code: "too_many_calls", message, retryAfterS: Math.ceil(leftMs / 1000) };
    }
    const [start, before] = leftMs > 0 ? [use.minute_ms, use.minute_calls] : [now, 0];
    sql.exec(
      "UPDATE live_use SET day = ?, calls = ?, minute_ms = ?, minute_calls = ?, last_ms = ?",
      today,
      calls + 1,
      start,
      before + 1,
      now,
    );
    return null;
  }

  /** One alarm for a life: it looks whether the visitor came again, instead of being moved by every call. */
  override async alarm(): Promise<void> {
    const use = this.use();
    if (!use) return;
    if (!use.open) return this.ctx.storage.deleteAll(); // the day is over, and with it what was counted
    if (use.last_ms + this.idleMs > Date.now()) return this.ctx.storage.setAlarm(use.last_ms + this.idleMs);
    await this.forget();
  }

  /** Only the count stays, until the day is over: else emptying a sandbox would buy new calls. */
  async forget(): Promise<void> {
    const use = this.use();
    if (!use?.open) return;
    this.limiters.clear();
    await this.ctx.storage.deleteAll(); // tables, keys and the alarm
    const { sql } = this.ctx.storage;
    sql.exec(USE);
    const { day, calls, minute_ms, minute_calls, last_ms } = use;
    sql.exec("INSERT INTO live_use VALUES (0, ?, ?, ?, ?, ?)", day, calls, minute_ms, minute_calls, last_ms);
    await this.ctx.storage.setAlarm(endOf(day));
  }

  /** The rate limiting binding counts for a whole location; in here it counts for one visitor. */
  protected limit(name: string, limit: number, periodS: number): RateLimit {
    const found = this.limiters.get(name) ?? limiter(limit, periodS);
    this.limiters.set(name, found);
    return found;
  }
}

function endOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) + DAY_MS;
}

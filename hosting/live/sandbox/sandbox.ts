import { DurableObject } from "cloudflare:workers";
import { readAnswer } from "./answer";
import { limiter } from "./limiter";
import type { Call, Incoming, Outcome, Refusal } from "./protocol";

type Use = { calls: number; minute_ms: number; minute_calls: number; last_ms: number };

const MINUTE_MS = 60_000;

/**
 * One visitor's copy of one example. The example's own handler runs in here, and each of its bindings is a view of this
 * object's storage: another visitor's data is in another object, which no code in here can name.
 */
export abstract class Sandbox<E = unknown> extends DurableObject<E> {
  protected readonly idleMs: number = 30 * MINUTE_MS;
  protected readonly callsPerMinute: number = 60;
  protected readonly callsPerLife: number = 200;
  protected readonly wallMs: number = 5_000;
  protected readonly mostBytes: number = 256 * 1024;
  protected readonly schema: string[] = [];
  private readonly limiters = new Map<string, RateLimit>();

  protected abstract handle(request: Incoming): Promise<Response>;

  async call(call: Call, admitted: boolean): Promise<Outcome> {
    if (!this.exists()) {
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

  private exists(): boolean {
    const found = this.ctx.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'live_use'");
    return found.toArray().length > 0;
  }

  private async create(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + this.idleMs);
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => {
      // A comment after the last statement is an error here, though not to D1's migrations.
      for (const statements of this.schema) sql.exec(statements.replace(/^--.*$/gm, "").trim());
      sql.exec("CREATE TABLE live_use (calls, minute_ms, minute_calls, last_ms)");
      sql.exec("INSERT INTO live_use VALUES (0, 0, 0, 0)");
    });
  }

  private count(): Refusal | null {
    const { sql } = this.ctx.storage;
    const use = sql.exec<Use>("SELECT * FROM live_use").one();
    const now = Date.now();
    if (use.calls >= this.callsPerLife) {
      const message = "This sandbox has answered its last call. Leave it alone, and you get a new one.";
      return { status: 429, code: "sandbox_used_up", message, retryAfterS: Math.ceil(this.idleMs / 1000) };
    }
    const leftMs = use.minute_ms + MINUTE_MS - now;
    if (leftMs > 0 && use.minute_calls >= this.callsPerMinute) {
      const message = "This is more than the sandbox answers in a minute.";
      return { status: 429, code: "too_many_calls", message, retryAfterS: Math.ceil(leftMs / 1000) };
    }
    const [start, before] = leftMs > 0 ? [use.minute_ms, use.minute_calls] : [now, 0];
    sql.exec(
      "UPDATE live_use SET calls = calls + 1, minute_ms = ?, minute_calls = ?, last_ms = ?",
      start,
      before + 1,
      now,
    );
    return null;
  }

  /** One alarm for a life: it looks whether the visitor came again, instead of being moved by every call. */
  override async alarm(): Promise<void> {
    if (!this.exists()) return;
    const { last_ms } = this.ctx.storage.sql.exec<Use>("SELECT * FROM live_use").one();
    if (last_ms + this.idleMs > Date.now()) return this.ctx.storage.setAlarm(last_ms + this.idleMs);
    await this.forget();
  }

  async forget(): Promise<void> {
    this.limiters.clear();
    await this.ctx.storage.deleteAll(); // tables, keys and the alarm
  }

  /** The rate limiting binding counts for a whole location; in here it counts for one visitor. */
  protected limit(name: string, limit: number, periodS: number): RateLimit {
    const found = this.limiters.get(name) ?? limiter(limit, periodS);
    this.limiters.set(name, found);
    return found;
  }
}

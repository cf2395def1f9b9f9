import { DurableObject } from "cloudflare:workers";

/** What one key id may have at a time; a caller within its rate limit stays far below. */
const MOST_NONCES = 50_000;

export type Stored = "new" | "used" | "full";

// --8<-- [start:nonces]
/** Remembers the nonces of one key id until their signatures are too old to pass anyway. */
export class Nonces extends DurableObject<Env> {
  #kept = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.open();
  }

  protected open(): void {
    this.ctx.storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS nonces
         (nonce TEXT PRIMARY KEY, expires_s INTEGER NOT NULL) WITHOUT ROWID`,
    );
    this.#count();
  }

  /** Once, and then in memory: counting reads every row. */
  #count(): void {
    const { sql } = this.ctx.storage;
    this.#kept = sql.exec<{ n: number }>("SELECT count(*) AS n FROM nonces").one().n;
  }

  async has(nonce: string): Promise<boolean> {
    const { sql } = this.ctx.storage;
    return sql.exec("SELECT 1 FROM nonces WHERE nonce = ?", nonce).toArray().length > 0;
  }

  /** "new" for the first caller with this nonce only, however many come at once. */
  async accept(nonce: string, expiresS: number): Promise<Stored> {
    // Before all else: without an alarm a full object would never empty.
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm((expiresS + 1) * 1000);
    // Whoever holds the key could otherwise fill the storage faster than it empties.
    if (this.#kept >= MOST_NONCES) return "full";
    const { sql } = this.ctx.storage;
    const added = sql
      .exec("INSERT OR IGNORE INTO nonces VALUES (?, ?) RETURNING 1", nonce, expiresS)
      .toArray();
    if (added.length === 0) return "used";
    this.#kept += 1;
    return "new";
  }

  override async alarm(): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec("DELETE FROM nonces WHERE expires_s < ?", Math.floor(Date.now() / 1000));
    this.#count();
    // The latest, not the next: one clean-up in five minutes or more, however many requests
    // come.
    const [left] = sql
      .exec<{ latest: number | null }>("SELECT max(expires_s) AS latest FROM nonces")
      .toArray();
    if (left?.latest) await this.ctx.storage.setAlarm((left.latest + 1) * 1000);
  }
}
// --8<-- [end:nonces]

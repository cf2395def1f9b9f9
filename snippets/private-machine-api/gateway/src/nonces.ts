import { DurableObject } from "cloudflare:workers";

// --8<-- [start:nonces]
/** Remembers the nonces of one key id until their signatures are too old to pass anyway. */
export class Nonces extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS nonces
         (nonce TEXT PRIMARY KEY, expires_s INTEGER NOT NULL) WITHOUT ROWID`,
    );
  }

  /**
   * True for the first caller with this nonce, false for every other, however many come at
   * once.
   */
  async accept(nonce: string, expiresS: number): Promise<boolean> {
    const { sql } = this.ctx.storage;
    const added = sql
      .exec("INSERT OR IGNORE INTO nonces VALUES (?, ?) RETURNING 1", nonce, expiresS)
      .toArray();
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm((expiresS + 1) * 1000);
    return added.length === 1;
  }

  override async alarm(): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec("DELETE FROM nonces WHERE expires_s < ?", Math.floor(Date.now() / 1000));
    // The latest, not the next: one clean-up in five minutes or more, however many requests
    // come.
    const [left] = sql
      .exec<{ latest: number | null }>("SELECT max(expires_s) AS latest FROM nonces")
      .toArray();
    if (left?.latest) await this.ctx.storage.setAlarm((left.latest + 1) * 1000);
  }
}
// --8<-- [end:nonces]

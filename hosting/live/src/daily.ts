import { DurableObject } from "cloudflare:workers";

/** Counts the sandboxes of a day, all visitors together. Whoever can make addresses still cannot make a bill. */
export class Daily extends DurableObject<Env> {
  admit(day: string): boolean {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, sandboxes INTEGER NOT NULL) WITHOUT ROWID");
    sql.exec("DELETE FROM days WHERE day <> ?", day);
    sql.exec("INSERT INTO days VALUES (?, 1) ON CONFLICT DO UPDATE SET sandboxes = sandboxes + 1", day);
    const { sandboxes } = sql.exec<{ sandboxes: number }>("SELECT sandboxes FROM days").one();
    return sandboxes <= this.env.SANDBOXES_A_DAY;
  }
}

import { DurableObject } from "cloudflare:workers";

/**
 * Counts the visitors of a day. Whoever can make addresses still cannot make a bill, and one visitor who empties a
 * sandbox and opens it again takes nothing from the others.
 */
export class Daily extends DurableObject<Env> {
  admit(day: string, visitor: string): boolean {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS visitors (day TEXT, visitor TEXT, PRIMARY KEY (day, visitor)) WITHOUT ROWID");
    if (sql.exec("SELECT 1 FROM visitors WHERE day = ? AND visitor = ?", day, visitor).toArray().length) return true;
    sql.exec("DELETE FROM visitors WHERE day <> ?", day);
    const { count } = sql.exec<{ count: number }>("SELECT count(*) AS count FROM visitors").one();
    if (count >= this.env.VISITORS_A_DAY) return false;
    sql.exec("INSERT INTO visitors VALUES (?, ?)", day, visitor);
    return true;
  }
}

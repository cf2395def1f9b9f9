import { DurableObject } from "cloudflare:workers";

const PLACES = `CREATE TABLE IF NOT EXISTS places
  (day TEXT, visitor TEXT, network TEXT, PRIMARY KEY (day, visitor)) WITHOUT ROWID`;
const TAKEN = "SELECT count(*) AS everyone, count(*) FILTER (WHERE network = ?) AS here FROM places";

/**
 * Counts the visitors of a day. Whoever can make addresses still cannot make a bill, one visitor who empties a sandbox
 * and opens it again takes nothing from the others, and neither does one network, however many cookies it collected.
 */
export class Daily extends DurableObject<Env> {
  admit(day: string, visitor: string, network: string): boolean {
    const { sql } = this.ctx.storage;
    sql.exec(PLACES);
    if (sql.exec("SELECT 1 FROM places WHERE day = ? AND visitor = ?", day, visitor).toArray().length) return true;
    sql.exec("DELETE FROM places WHERE day <> ?", day);
    const { everyone, here } = sql.exec<{ everyone: number; here: number }>(TAKEN, network).one();
    if (everyone >= this.env.VISITORS_A_DAY || here >= this.env.VISITORS_OF_A_NETWORK) return false;
    sql.exec("INSERT INTO places VALUES (?, ?, ?)", day, visitor, network);
    return true;
  }
}

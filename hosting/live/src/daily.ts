import { DurableObject } from "cloudflare:workers";

const PLACES = `CREATE TABLE IF NOT EXISTS places
  (day TEXT, visitor TEXT, network TEXT, PRIMARY KEY (day, visitor)) WITHOUT ROWID`;
const TAKEN = `SELECT count(*) AS everyone, count(*) FILTER (WHERE network = ?) AS here,
  count(*) FILTER (WHERE network GLOB ?) AS around FROM places`;
// A customer may own a whole /48 of IPv6, which is 65,536 networks.
const AROUND = /^(?:[0-9a-f]+:){3}/;

/**
 * Counts the visitors of a day. Whoever can make addresses still cannot make a bill, one visitor who empties a sandbox
 * and opens it again takes nothing from the others, and neither does one network, however many cookies it collected.
 */
export class Daily extends DurableObject<Env> {
  admit(day: string, visitor: string, network: string): boolean {
    const { sql } = this.ctx.storage;
    sql.exec(PLACES);
    if (sql.exec("SELECT 1 FROM places WHERE day = ? AND visitor = ?", day, visitor).toArray().length) return true;
    sql.exec("DELETE FROM places WHERE day < ?", day);
    const near = AROUND.exec(network)?.[0];
    const taken = sql
      .exec<{ everyone: number; here: number; around: number }>(TAKEN, network, near ? `${near}*` : "")
      .one();
    const { VISITORS_A_DAY, VISITORS_OF_A_NETWORK, VISITORS_OF_A_48 } = this.env;
    if (taken.everyone >= VISITORS_A_DAY || taken.here >= VISITORS_OF_A_NETWORK || taken.around >= VISITORS_OF_A_48)
      return false;
    sql.exec("INSERT INTO places VALUES (?, ?, ?)", day, visitor, network);
    return true;
  }
}

import { Refusal } from "../../shared/errors";
import { typed } from "../../shared/host";
import { isPlan, type Plan, type Site } from "../../shared/plans";
import { newToken, sha256 } from "./auth";
import { invalid, only } from "./body";
import { asked } from "./cloudflare";

const ID = /^(?!xn--)[a-z][a-z0-9-]{1,29}[a-z0-9]$/;
const ALLOW_MAX = 20;
const MOST_ROUNDS = 3;
const KEY_PAUSE_MS = 1_100;

interface Row {
  id: string;
  plan: Plan;
  state: Site["state"];
  allow: string;
  live_version: number | null;
}

/** Create a tenant with a database, a token that is shown once, and a name under our domain. */
export async function create(env: Env, body: Record<string, unknown>) {
  only(body, "id", "plan");
  const { id, plan } = body;
  if (typeof id !== "string" || !ID.test(id))
    throw invalid("id has 3 to 31 lower-case letters, digits and hyphens.");
  if (!isPlan(plan)) throw invalid("plan is free or pro.");
  if (await find(env, id)) throw taken();
  const databaseId = await asked(env.DEPLOYER.createDatabase(id));
  const token = newToken(id);
  const host = `${id}.${env.APPS_DOMAIN}`;
  const [added] = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO tenants (id, plan, token_sha256, database_id) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ).bind(id, plan, await sha256(token), databaseId),
    env.DB.prepare(
      `INSERT INTO hostnames (host, tenant, proof, state) VALUES (?, ?, '', 'active')
       ON CONFLICT DO NOTHING`,
    ).bind(host, id),
  ]);
  if (added?.meta.changes !== 1) throw taken();
  await publish(env, id);
  return { id, plan, hostname: host, token };
}

// --8<-- [start:token]
/** A new token, shown once: for a lost or stolen one, or when a creation broke off. */
export async function renew(env: Env, id: string) {
  const token = newToken(id);
  await env.DB.prepare("UPDATE tenants SET token_sha256 = ? WHERE id = ?")
    .bind(await sha256(token), id)
    .run();
  await publish(env, id);
  return { id, token };
}
// --8<-- [end:token]

/** Change plan, state or the hosts that the code may call; null means: leave it. */
export async function change(env: Env, id: string, body: Record<string, unknown>) {
  only(body, "plan", "state", "allow");
  const { plan = null, state = null, allow = null } = body;
  if (plan !== null && !isPlan(plan)) throw invalid("plan is free or pro.");
  if (state !== null && state !== "active" && state !== "suspended")
    throw invalid("state is active or suspended.");
  const hosts = allow === null ? null : JSON.stringify(hostsOf(allow));
  await env.DB.prepare(
    `UPDATE tenants SET plan = coalesce(?2, plan), state = coalesce(?3, state),
     allow = coalesce(?4, allow) WHERE id = ?1`,
  )
    .bind(id, plan, state, hosts)
    .run();
  await publish(env, id);
  return show(env, id);
}

export async function show(env: Env, id: string) {
  const row = await find(env, id);
  if (!row) throw new Refusal(404, "no_such_tenant", "There is no such tenant.");
  const { plan, state, live_version: live } = row;
  return { id, plan, state, allow: JSON.parse(row.allow), live };
}

// --8<-- [start:publish]
/** Copy what D1 says about a tenant to every entry that it has in the map. Somebody may
 *  change it meanwhile, so whoever has written looks once more. */
export async function publish(env: Env, id: string): Promise<void> {
  let mapped: string[] = [];
  let reason = "changes too fast";
  for (let round = 0; round < MOST_ROUNDS; round++) {
    // KV refuses the second write to a key within a second, whoever sent the first.
    if (round > 0) await scheduler.wait(KEY_PAUSE_MS);
    const now = await truth(env, id);
    const gone = mapped.filter((host) => !now.hosts.includes(host));
    mapped = [...now.hosts, ...gone];
    try {
      await Promise.all(now.hosts.map((host) => env.SITES.put(host, now.entry)));
      for (const host of gone) await handBack(env, host);
      if (JSON.stringify(await truth(env, id)) === JSON.stringify(now)) return;
    } catch (error) {
      reason = String(error);
    }
  }
  throw behind(`${id}: ${reason}`);
}
// --8<-- [end:publish]

async function truth(env: Env, id: string): Promise<{ entry: string; hosts: string[] }> {
  const tenant = await find(env, id);
  if (tenant === null) throw new Error(`there is no tenant ${id}`);
  const { results } = await env.DB.prepare(
    "SELECT host FROM hostnames WHERE tenant = ? AND state = 'active' ORDER BY host",
  )
    .bind(id)
    .all<{ host: string }>();
  const { plan, state, allow } = tenant;
  const site: Site = { tenant: id, plan, state, allow: JSON.parse(allow) };
  return { entry: JSON.stringify(site), hosts: results.map(({ host }) => host) };
}

/** A name that a tenant lost while it was written: it is free, or another tenant's by now. */
export async function handBack(env: Env, host: string): Promise<void> {
  const owner = await env.DB.prepare(
    "SELECT tenant FROM hostnames WHERE host = ? AND state = 'active'",
  )
    .bind(host)
    .first<string>("tenant");
  await (owner ? publish(env, owner) : env.SITES.delete(host));
}

const taken = () =>
  new Refusal(409, "exists", "This id is taken. If its token is lost, ask for a new one.");

const behind = (reason: string) =>
  new Refusal(503, "map_behind", "Stored, but not live yet. Send it again.", reason, {
    "Retry-After": "2",
  });

const find = (env: Env, id: string) =>
  env.DB.prepare("SELECT id, plan, state, allow, live_version FROM tenants WHERE id = ?")
    .bind(id)
    .first<Row>();

function hostsOf(allow: unknown): string[] {
  if (!Array.isArray(allow) || allow.length > ALLOW_MAX)
    throw invalid(`allow is a list of at most ${ALLOW_MAX} hostnames.`);
  return allow.map((text) => {
    const host = typeof text === "string" ? typed(text) : null;
    if (!host) throw invalid("allow holds hostnames, without scheme, port and path.");
    return host;
  });
}

import { Refusal } from "../../shared/errors";
import { typed } from "../../shared/host";
import { invalid, only } from "./body";
import { asked } from "./cloudflare";
import { handBack, publish } from "./tenants";

const HOSTNAMES_MAX = 20;

// --8<-- [start:claim]
/** Write down that a tenant wants a hostname, and say how to prove that it is theirs. */
export async function claim(env: Env, tenant: string, body: Record<string, unknown>) {
  only(body, "hostname");
  const host = typeof body.hostname === "string" ? typed(body.hostname) : null;
  if (!host) throw invalid("hostname is a name such as shop.example.");
  if (host === env.APPS_DOMAIN || host.endsWith(`.${env.APPS_DOMAIN}`))
    throw invalid("This name is ours.");
  const added = await env.DB.prepare(
    `INSERT INTO hostnames (host, tenant, proof) SELECT ?1, ?2, ?3
     WHERE (SELECT count(*) FROM hostnames WHERE tenant = ?2 AND host <> ?1) < ?4
     ON CONFLICT (host, tenant) DO UPDATE SET proof = proof RETURNING proof, state`,
  )
    .bind(host, tenant, `${tenant}-${crypto.randomUUID()}`, HOSTNAMES_MAX)
    .first<{ proof: string; state: string }>();
  if (!added) throw new Refusal(409, "too_many", `A tenant has ${HOSTNAMES_MAX} hostnames.`);
  const record = { type: "TXT", name: `_platform.${host}`, value: added.proof };
  return { hostname: host, state: added.state, record };
}

/** Look for the proof in DNS. Who has a name keeps it until it is released. */
export async function verify(env: Env, tenant: string, host: string) {
  const row = await find(env, tenant, host);
  if (row.state !== "active") {
    const records = await asked(env.DEPLOYER.textRecords(`_platform.${host}`));
    if (!records.includes(row.proof))
      throw new Refusal(409, "not_verified", "The TXT record is not there yet.");
    await env.DB.prepare(
      "UPDATE hostnames SET state = 'active' WHERE host = ? AND tenant = ?",
    )
      .bind(host, tenant)
      .run()
      .catch((error) => {
        if (!/UNIQUE/.test(String(error))) throw error;
        throw new Refusal(409, "taken", "Another tenant has it.", `${host}: taken`);
      });
  }
  // Also for an active one: a second call repairs what failed halfway.
  if (!host.endsWith(`.${env.APPS_DOMAIN}`)) await register(env, tenant, host);
  await publish(env, tenant);
  return { hostname: host, state: "active" };
}

/** Ask Cloudflare for traffic and certificate. A name that it refuses serves nobody. */
async function register(env: Env, tenant: string, host: string): Promise<void> {
  const answer = await asked(env.DEPLOYER.createHostname(host));
  if (answer.ok) return;
  await env.DB.prepare("UPDATE hostnames SET state = 'pending' WHERE host = ? AND tenant = ?")
    .bind(host, tenant)
    .run();
  await asked(handBack(env, host));
  const reason = `${host}: ${answer.message}`;
  throw new Refusal(422, "hostname_refused", "Cloudflare does not take this name.", reason);
}
// --8<-- [end:claim]

/** Give a hostname back. The map comes before the row: nothing is served without an owner. */
export async function release(env: Env, tenant: string, host: string) {
  const row = await find(env, tenant, host);
  if (host.endsWith(`.${env.APPS_DOMAIN}`)) throw invalid("This name stays.");
  if (row.state !== "pending") {
    // Whoever publishes meanwhile sees this, and takes the name off the map again.
    await env.DB.prepare(
      "UPDATE hostnames SET state = 'leaving' WHERE host = ? AND tenant = ?",
    )
      .bind(host, tenant)
      .run();
    await asked(env.SITES.delete(host));
    await asked(env.DEPLOYER.deleteHostname(host));
  }
  await env.DB.prepare("DELETE FROM hostnames WHERE host = ? AND tenant = ?")
    .bind(host, tenant)
    .run();
  return { hostname: host, state: "released" };
}

async function find(env: Env, tenant: string, host: string) {
  const row = await env.DB.prepare(
    "SELECT proof, state FROM hostnames WHERE host = ? AND tenant = ?",
  )
    .bind(host, tenant)
    .first<{ proof: string; state: string }>();
  if (!row) throw new Refusal(404, "no_such_hostname", "You have not claimed this hostname.");
  return row;
}

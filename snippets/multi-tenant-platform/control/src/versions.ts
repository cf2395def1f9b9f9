import type { Script } from "../../deployer/src/index";
import { Refusal } from "../../shared/errors";
import { sha256 } from "./auth";

const DEPLOY_MAX_S = 60;

// --8<-- [start:deploy]
/** Store a new version, and make it live. */
export async function addVersion(env: Env, tenant: string, script: Script) {
  const text = JSON.stringify(script);
  return oneAtATime(env, tenant, async (databaseId) => {
    const number = await store(env, tenant, text);
    await makeLive(env, tenant, databaseId, number, script);
    return { version: number, sha256: await sha256(text), live: true };
  });
}

/** Make a stored version live again: a roll-back, or a repair after a failure halfway. */
export async function activate(env: Env, tenant: string, number: number) {
  const version = await env.DB.prepare(
    "SELECT sha256, state FROM versions WHERE tenant = ? AND number = ?",
  )
    .bind(tenant, number)
    .first<{ sha256: string; state: string }>();
  if (version?.state !== "stored")
    throw new Refusal(404, "no_such_version", "There is no such version.");
  const text = await env.CODE.get(`${tenant}/${number}`);
  if (text === null || (await sha256(text)) !== version.sha256)
    throw unavailable(`${tenant}/${number}: no text with this hash`);
  return oneAtATime(env, tenant, async (databaseId) => {
    await makeLive(env, tenant, databaseId, number, JSON.parse(text));
    return { version: number, sha256: version.sha256, live: true };
  });
}
// --8<-- [end:deploy]

async function store(env: Env, tenant: string, text: string): Promise<number> {
  const number = await env.DB.prepare(
    `INSERT INTO versions (tenant, number, sha256, bytes, created_at)
     SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, unixepoch() FROM versions
     WHERE tenant = ?1 RETURNING number`,
  )
    .bind(tenant, await sha256(text), new TextEncoder().encode(text).byteLength)
    .first<number>("number");
  if (number === null) throw unavailable(`${tenant}: the version has no number`);
  await env.CODE.put(`${tenant}/${number}`, text);
  return number;
}

async function makeLive(
  env: Env,
  tenant: string,
  databaseId: string,
  number: number,
  script: Script,
): Promise<void> {
  const result = await env.DEPLOYER.upload(tenant, databaseId, script).catch((error) => {
    throw unavailable(`${tenant}/${number}: ${error}`);
  });
  if (!result.ok) {
    await env.DB.prepare(
      "UPDATE versions SET state = 'refused' WHERE tenant = ? AND number = ?",
    )
      .bind(tenant, number)
      .run();
    throw new Refusal(422, "code_refused", `The code does not load: ${result.message}.`);
  }
  await env.DB.prepare("UPDATE tenants SET live_version = ? WHERE id = ?")
    .bind(number, tenant)
    .run();
}

// --8<-- [start:lock]
/** Two uploads at once could leave one version running and the other in our books. */
async function oneAtATime<T>(
  env: Env,
  tenant: string,
  deploy: (databaseId: string) => Promise<T>,
): Promise<T> {
  const taken = await env.DB.prepare(
    `UPDATE tenants SET deploying_until = unixepoch() + ?2
     WHERE id = ?1 AND deploying_until <= unixepoch() RETURNING database_id, deploying_until`,
  )
    .bind(tenant, DEPLOY_MAX_S)
    .first<{ database_id: string; deploying_until: number }>();
  if (!taken)
    throw new Refusal(409, "deploy_running", "Another deploy is running.", tenant, {
      "Retry-After": "5",
    });
  try {
    return await deploy(taken.database_id);
  } finally {
    // Who took too long must not open the lock of the next.
    await env.DB.prepare(
      "UPDATE tenants SET deploying_until = 0 WHERE id = ? AND deploying_until = ?",
    )
      .bind(tenant, taken.deploying_until)
      .run();
  }
}
// --8<-- [end:lock]

const unavailable = (reason: string) =>
  new Refusal(503, "unavailable", "The version is not live. Activate it soon.", reason, {
    "Retry-After": "10",
  });

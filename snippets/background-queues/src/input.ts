import { HttpError } from "./http";

export type Mail = { kind: "mail"; to: string; subject: string; text: string };
export type Welcome = { kind: "onboarding"; to: string; name: string };
export type Job = Mail | Welcome;
export type Order = { key: string; job: Job };

/** What one sendBatch() and one createBatch() take. */
export const MOST_JOBS = 100;

const FIELDS = {
  mail: { to: 254, subject: 200, text: 10_000 },
  onboarding: { to: 254, name: 100 },
} as const;
const ADDRESS = /^[^\s@<>,;:"()[\]\\]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i;
const KEY = /^[\w.:-]{1,64}$/;

// --8<-- [start:job]
export function parseJob(value: unknown): Job {
  const { kind, ...given } = fields(value, "invalid_job", "A job");
  if (kind !== "mail" && kind !== "onboarding")
    throw invalid('"kind" must be "mail" or "onboarding".');
  const wanted = Object.entries(FIELDS[kind]);
  const extra = Object.keys(given).find((name) => !Object.hasOwn(FIELDS[kind], name));
  if (extra !== undefined) throw invalid(`A job of this kind has no field ${quoted(extra)}.`);
  for (const [name, most] of wanted) {
    const text = given[name];
    if (typeof text !== "string" || text === "" || text.length > most)
      throw invalid(`"${name}" must be a text of 1 to ${most} characters.`);
    if (!text.isWellFormed()) throw invalid(`"${name}" holds half a character.`);
    // A line break in a mail's header would let a caller add headers of their own, and some
    // programs break lines at U+0085, U+2028 and U+2029 too.
    if (name !== "text" && /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text))
      throw invalid(`"${name}" must be one line.`);
  }
  if (!ADDRESS.test(String(given.to))) throw invalid('"to" must be one mail address.');
  // The order of the fields is ours, so that the same job is always the same text.
  const job = Object.fromEntries(wanted.map(([name]) => [name, given[name]]));
  return { kind, ...job } as Job;
}
// --8<-- [end:job]

export function parseKey(key: unknown): string {
  if (typeof key === "string" && KEY.test(key)) return key;
  const message = "Give each job a key of 1 to 64 letters, digits, dots, colons and dashes.";
  throw new HttpError(400, "invalid_key", message);
}

export function parseBulk(value: unknown): Order[] {
  const { jobs } = fields(value, "invalid_bulk", "The body");
  if (!Array.isArray(jobs) || jobs.length === 0 || jobs.length > MOST_JOBS)
    throw new HttpError(400, "invalid_bulk", `"jobs" must hold 1 to ${MOST_JOBS} jobs.`);
  const orders = jobs.map((entry: unknown) => {
    const { key, ...job } = fields(entry, "invalid_job", "A job");
    return { key: parseKey(key), job: parseJob(job) };
  });
  if (new Set(orders.map(({ key }) => key)).size === orders.length) return orders;
  throw new HttpError(400, "invalid_bulk", "Two jobs have the same key.");
}

export function fields(value: unknown, code: string, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new HttpError(400, code, `${what} is a JSON object.`);
}

/** A caller's own text goes into answer and log: not all of it, and in whole characters. */
const quoted = (name: string) => JSON.stringify([...name].slice(0, 40).join(""));

function invalid(message: string): HttpError {
  return new HttpError(400, "invalid_job", message);
}

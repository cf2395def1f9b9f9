import { Circuit } from "./circuit";
import { HttpError } from "./errors";

const LEAST_CHARACTERS = 32;
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

export type Origin = { name: string; url: URL; circuit: Circuit };
export type Settings = {
  origins: Origin[];
  tryMs: number;
  deadlineMs: number;
  hedgeMs: number;
  key: string;
};

// Lives as long as the isolate.
const circuits = new Map<string, Circuit>();

export function readSettings(env: Env): Settings {
  const openMs = whole("OPEN_MS", env.OPEN_MS);
  const origins = env.ORIGINS.split(/\s+/)
    .filter(Boolean)
    .map((entry) => {
      const [, name, address = ""] = /^([a-z0-9-]+)=(.+)$/.exec(entry) ?? [];
      const url = URL.parse(address);
      if (!name || !url || !isSite(url))
        throw new Error("ORIGINS takes name=https://host, separated by spaces");
      return { name, url, circuit: circuitOf(entry, openMs) };
    });
  if (origins.length === 0) throw new Error("ORIGINS is empty");
  requireStrong("ORIGIN_KEY", env.ORIGIN_KEY);
  return {
    origins,
    tryMs: whole("TRY_MS", env.TRY_MS),
    deadlineMs: whole("DEADLINE_MS", env.DEADLINE_MS),
    hedgeMs: whole("HEDGE_MS", env.HEDGE_MS),
    key: env.ORIGIN_KEY,
  };
}

/** A host and nothing else. The key goes there: in clear on this machine only. */
function isSite({ href, origin, protocol, hostname }: URL): boolean {
  const local = protocol === "http:" && LOOPBACK.includes(hostname);
  return href === `${origin}/` && (protocol === "https:" || local);
}

/** The log gets the name of a secret that can be guessed, never its value. */
function requireStrong(name: string, secret: string): void {
  if (secret?.length >= LEAST_CHARACTERS) return;
  console.error({ event: "weak_secrets", names: [name], least: LEAST_CHARACTERS });
  throw new HttpError(503, "not_configured", "This service is not set up yet.");
}

function circuitOf(entry: string, openMs: number): Circuit {
  const known = circuits.get(entry) ?? new Circuit(openMs);
  circuits.set(entry, known);
  return known;
}

function whole(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error(`${name} takes a number of milliseconds`);
  return Number(text);
}

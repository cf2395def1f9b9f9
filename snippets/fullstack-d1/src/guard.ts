import { HttpError } from "./http";

const PERIOD_S = 60;

// --8<-- [start:guard]
/** A browser says which site sent a request. Programs that say nothing misuse nobody. */
export function refuseOtherSites(request: Request): void {
  const site = request.headers.get("Sec-Fetch-Site");
  const origin = request.headers.get("Origin");
  const sameOrigin = origin === null || origin === new URL(request.url).origin;
  if (sameOrigin && (site === null || site === "same-origin")) return;
  const message = "Changes can only come from this site's own pages.";
  throw new HttpError(403, "other_site", message);
}

export async function refuseTooMany(limiter: RateLimit, key: string): Promise<void> {
  const { success } = await limiter.limit({ key });
  if (success) return;
  const message = "Too many attempts. Wait a minute and try again.";
  throw new HttpError(429, "too_many_attempts", message, {
    "Retry-After": `${PERIOD_S}`,
  });
}
// --8<-- [end:guard]

/** An IPv6 customer owns a /64 or more: counting addresses would count nobody. */
export function clientOf(request: Request): string {
  const address = request.headers.get("CF-Connecting-IP") ?? "unknown";
  if (!address.includes(":")) return address;
  const [front = "", back = ""] = address.split("::");
  const head = front.split(":").filter(Boolean);
  const tail = back.split(":").filter(Boolean);
  const zeros = Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  const network = groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

import { HttpError } from "./http";

const PERIOD_S = 60;

// --8<-- [start:guard]
/** Another site must not send our form with its visitors' browsers. */
export function refuseOtherSites(request: Request): void {
  const site = request.headers.get("Sec-Fetch-Site");
  const origin = request.headers.get("Origin");
  // Neither header: no browser, so no visitor is misused. The token is still asked for.
  const ours =
    site === null
      ? origin === null || origin === new URL(request.url).origin
      : site === "same-origin";
  if (ours) return;
  throw new HttpError(403, "other_site", "The form can only be sent from this site.");
}

export async function refuseTooMany(request: Request, limiter: RateLimit): Promise<void> {
  const address = request.headers.get("CF-Connecting-IP") ?? "unknown";
  const { success } = await limiter.limit({ key: clientOf(address) });
  if (success) return;
  const message = "Too many attempts from your network. Wait a minute and send it again.";
  throw new HttpError(429, "too_many_attempts", message, { "Retry-After": `${PERIOD_S}` });
}

/** One IPv6 customer owns at least a /64, so counting single addresses would count nobody. */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [front = "", back = ""] = address.split("::");
  const head = front.split(":").filter(Boolean);
  const tail = back.split(":").filter(Boolean);
  const zeros = address.includes("::") ? Math.max(0, 8 - head.length - tail.length) : 0;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":")}::/64`;
}
// --8<-- [end:guard]

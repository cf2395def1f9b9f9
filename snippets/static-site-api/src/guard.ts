import { HttpError } from "./http";

const PERIOD_S = 60;

// --8<-- [start:guard]
/** Another site must not send our form with its visitors' browsers. */
export function refuseOtherSites(request: Request): void {
  const site = request.headers.get("Sec-Fetch-Site");
  const origin = request.headers.get("Origin");
  // Neither header: no browser, so no visitor is misused. The token stays due.
  const ours =
    site === null
      ? origin === null || origin === new URL(request.url).origin
      : site === "same-origin";
  if (ours) return;
  const message = "The form can only be sent from this site.";
  throw new HttpError(403, "other_site", message);
}

export async function refuseTooMany(request: Request, limiter: RateLimit): Promise<void> {
  const address = request.headers.get("CF-Connecting-IP") ?? "unknown";
  const { success } = await limiter.limit({ key: clientOf(address) });
  if (success) return;
  const message = "Too many attempts. Wait a minute and send it again.";
  const headers = { "Retry-After": `${PERIOD_S}` };
  throw new HttpError(429, "too_many_attempts", message, headers);
}

/** An IPv6 customer owns a /64 or more: counting addresses would count nobody. */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [front = "", back = ""] = address.split("::");
  const head = front.split(":").filter(Boolean);
  const tail = back.split(":").filter(Boolean);
  const zeros = Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  const network = groups.slice(0, 4).map((hex) => parseInt(hex, 16).toString(16));
  return `${network.join(":")}::/64`;
}
// --8<-- [end:guard]

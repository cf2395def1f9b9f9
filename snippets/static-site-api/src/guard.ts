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
  // The URL parser brings every spelling of an IPv6 address into one, in hexadecimal groups.
  const one = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (!one) return address;
  // An IPv4 customer, as a socket for both versions shows it.
  const inside = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(one)?.slice(1);
  if (inside) {
    const bytes = inside.map((hex) => parseInt(hex, 16)).flatMap((n) => [n >> 8, n & 255]);
    return bytes.join(".");
  }
  const [head = [], tail = []] = one
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  const zeros = Array<string>(8 - head.length - tail.length).fill("0");
  const groups = [...head, ...zeros, ...tail];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
// --8<-- [end:guard]

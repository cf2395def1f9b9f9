const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
// The last label starts with a letter, so an IP address is no name.
const NAME = new RegExp(`^(?=.{4,253}$)(?:${LABEL}\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$`);

// --8<-- [start:host]
/** The one form of a hostname, for who registers it and for who looks it up; else null. */
export function canonical(hostname: string): string | null {
  const name = hostname.replace(/\.$/, "");
  return NAME.test(name) ? name : null;
}

/** The host of a request. Only the URL counts, never a header such as X-Forwarded-Host. */
export const hostOf = (request: Request) => canonical(new URL(request.url).hostname);

/** What somebody typed as a hostname. The URL parser brings case and IDN into one form. */
export function typed(text: string): string | null {
  if (text.length > 253 || /[\s/\\:@?#%]/.test(text)) return null;
  const url = URL.parse(`https://${text}`);
  return url && canonical(url.hostname);
}
// --8<-- [end:host]

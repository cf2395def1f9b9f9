const SIGNED = "x-key-id x-timestamp x-nonce x-content-sha256 x-signature";

// --8<-- [start:refusal]
/** A refusal that the caller may see. `reason` goes to the log only. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly reason = code,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  toResponse(): Response {
    return Response.json(
      { error: { code: this.code, message: this.message } },
      { status: this.status, headers: this.headers },
    );
  }
}

/**
 * One answer for every bad proof, so that an attacker learns nothing about which check
 * failed.
 */
export const unauthenticated = (reason: string) =>
  new Refusal(401, "unauthenticated", "Send a valid proof of who you are.", reason, {
    "WWW-Authenticate": `HMAC-SHA256 realm="api", headers="${SIGNED}"`,
  });

export const forbidden = (reason: string) =>
  new Refusal(403, "forbidden", "You are known, but not allowed to do this.", reason);

export const unavailable = (reason: string) =>
  new Refusal(503, "unavailable", "Your proof cannot be checked right now.", reason, {
    "Retry-After": "5",
  });

export const tooMany = (reason: string) =>
  new Refusal(429, "rate_limited", "Slow down.", reason, { "Retry-After": "60" });
// --8<-- [end:refusal]

export const invalid = (message: string) => new Refusal(400, "invalid", message);

import { callerByCertificate } from "../callers";
import { unauthenticated } from "../errors";

// --8<-- [start:verify]
export function byCertificate(request: Request, env: Env): string | null {
  const tls = request.cf?.tlsClientAuth as
    | IncomingRequestCfPropertiesTLSClientAuth
    | undefined;
  if (tls?.certPresented !== "1") return null;
  if (tls.certVerified !== "SUCCESS") throw unauthenticated(`mtls: ${tls.certVerified}`);
  if (tls.certRevoked !== "0") throw unauthenticated("mtls: revoked");
  // Every CA of the account verifies on every mTLS host, so the issuer is pinned too.
  const issuer = plain(env.MTLS_ISSUER_SKI);
  if (!issuer || plain(tls.certIssuerSKI) !== issuer)
    throw unauthenticated("mtls: foreign issuer");
  const caller = callerByCertificate(plain(tls.certFingerprintSHA256));
  if (caller === null) throw unauthenticated("mtls: unknown certificate");
  return caller;
}

/** Hex is written in both cases, with and without colons. */
const plain = (hex = "") => hex.replaceAll(":", "").toLowerCase();
// --8<-- [end:verify]

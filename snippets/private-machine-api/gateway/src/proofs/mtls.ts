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
  const issuer = env.MTLS_ISSUER_SKI.toLowerCase();
  if (!issuer || tls.certIssuerSKI?.toLowerCase() !== issuer)
    throw unauthenticated("mtls: foreign issuer");
  const caller = callerByCertificate(tls.certFingerprintSHA256?.toLowerCase() ?? "");
  if (caller === null) throw unauthenticated("mtls: unknown certificate");
  return caller;
}
// --8<-- [end:verify]

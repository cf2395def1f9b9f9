import { HttpError } from "./errors";
import { invalid } from "./token";

export const PROTOCOL = "chat.v1";

// --8<-- [start:door]
/**
 * A browser cannot set headers on a WebSocket, only offer protocols, as in
 * `new WebSocket(url, ["chat.v1", "token." + token])`. A token in the URL would stand in
 * logs.
 */
export function tokenOfUpgrade(request: Request, allowedOrigins: string): string {
  // Not toLowerCase(): it makes a k of the Kelvin sign.
  if (!/^websocket$/i.test(request.headers.get("Upgrade") ?? "")) {
    const message = "This address takes WebSocket connections.";
    throw new HttpError(426, "upgrade_required", message);
  }
  // Browsers always send it. Other programs write what they like: they need the token.
  const origin = request.headers.get("Origin");
  const allowed = allowedOrigins.split(",").map((one) => one.trim());
  if (origin !== null && !allowed.includes(origin)) {
    const message = "Pages of this origin may not connect.";
    const short = [...origin].slice(0, 100).join("");
    throw new HttpError(403, "wrong_origin", message, {}, short);
  }
  const offered = request.headers.get("Sec-WebSocket-Protocol") ?? "";
  const protocols = offered.split(/[ \t]*,[ \t]*/);
  if (!protocols.includes(PROTOCOL)) {
    throw new HttpError(400, "unknown_protocol", `Offer the protocol ${PROTOCOL}.`);
  }
  const [token, ...others] = protocols.filter((one) => one.startsWith("token."));
  if (token === undefined || others.length > 0) throw invalid("no token, or several");
  return token.slice("token.".length);
}
// --8<-- [end:door]

export function tokenOfRead(request: Request): string {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (given === undefined) throw invalid("no token");
  return given;
}

/** A message id from the query; null where none is given. */
export function idIn(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HttpError(400, "invalid_id", `"${name}" must be the id of a message, or 0.`);
}

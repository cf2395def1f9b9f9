import type { Call } from "../sandbox/protocol";
import { HttpError } from "./http";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const BASE = "http://localhost:8787";
// A path, or the start of an address as the pages print it: no parser gets to find a user's name or another host in it.
const ADDRESS = /^(\/(?!\/)|http:\/\/(localhost|127\.0\.0\.1):8787([/?#]|$))/;
const FIELDS = ["method", "url", "headers", "body"];
const MOST_URL_CHARACTERS = 2_048;
const MOST_HEADERS = 32;
const MOST_HEADER_CHARACTERS = 8_192;
const MOST_BODY_BYTES = 48 * 1024;

// What a hosted example reads, or its page sends. What the edge says about a caller, what belongs to one connection, and where a
// request goes are none of a visitor's business.
const PASSED = new Set(
  `accept accept-encoding accept-language authorization content-type cookie idempotency-key if-match if-none-match origin
   referer sec-fetch-dest sec-fetch-mode sec-fetch-site user-agent x-caller x-content-sha256 x-csrf-token x-d1-bookmark
   x-key-id x-nonce x-signature x-timestamp`.split(/\s+/),
);

/** Turn what a page sent into one request to an example, or refuse it. Unknown fields are refused as well. */
export function parseCall(value: unknown, requestId: string): Call & { removed: string[] } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("Send a JSON object.");
  const { method, url, headers = [], body = "" } = value as Record<string, unknown>;
  if ("file" in value) throw invalid("A file cannot be sent from here. Run the example on your machine for that.");
  if (Object.keys(value).some((name) => !FIELDS.includes(name))) throw invalid(`The fields are: ${FIELDS.join(", ")}.`);
  if (typeof method !== "string" || !METHODS.includes(method)) throw invalid(`The methods are: ${METHODS.join(", ")}.`);
  if (typeof body !== "string" || new TextEncoder().encode(body).byteLength > MOST_BODY_BYTES) {
    throw invalid(`"body" is a text of at most ${MOST_BODY_BYTES} bytes.`);
  }
  const given = parseHeaders(headers);
  const kept = given.filter(([name]) => PASSED.has(name)).map(withoutOurCookie);
  const removed = given.map(([name]) => name).filter((name) => !PASSED.has(name));
  if (body && (method === "GET" || method === "HEAD")) removed.push("the body");
  // What the edge would add: an address that belongs to nobody, and the id that the logs name.
  kept.push(["cf-connecting-ip", "192.0.2.1"], ["cf-ray", requestId]);
  return { requestId, method, url: parseUrl(url), headers: kept, body, removed };
}

/** A path, or an address of the example as the page prints it. Nothing else: this is no proxy. */
function parseUrl(url: unknown): string {
  const refused = invalid('"url" is a path, or an address that starts with http://localhost:8787/.');
  if (typeof url !== "string" || url.length > MOST_URL_CHARACTERS || !ADDRESS.test(url)) throw refused;
  // Parsers disagree about these, so nobody gets to parse them.
  if (/[\u0000-\u0020\u007f\\]/.test(url)) throw refused;
  return new URL(url, BASE).href;
}

function parseHeaders(value: unknown): [string, string][] {
  const refused = invalid(
    `"headers" is a list of at most ${MOST_HEADERS} [name, value] pairs, ${MOST_HEADER_CHARACTERS} characters in all.`,
  );
  if (!Array.isArray(value) || value.length > MOST_HEADERS) throw refused;
  let left = MOST_HEADER_CHARACTERS;
  return value.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw refused;
    const [name, text] = pair as unknown[];
    if (typeof name !== "string" || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(name))
      throw invalid("A header has a name that HTTP does not allow.");
    if (typeof text !== "string" || !/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text))
      throw invalid("A header has a value that HTTP does not allow.");
    left -= name.length + text.length;
    if (left < 0) throw refused;
    return [name.toLowerCase(), text];
  });
}

function withoutOurCookie([name, value]: [string, string]): [string, string] {
  if (name !== "cookie") return [name, value];
  // Only a space is taken away: without another blank in front, a name would become ours.
  const pairs = value.split(/; */);
  return [name, pairs.filter((pair) => !/^\s*__host-live\b/i.test(pair)).join("; ")];
}

function invalid(message: string): HttpError {
  return new HttpError(422, "invalid_call", message);
}

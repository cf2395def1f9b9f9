// --8<-- [start:headers]
// A site believes what comes with the key, so only these headers of a visitor pass.
const PASSED = `
  Accept Accept-Encoding Accept-Language Cache-Control User-Agent
  Authorization Cookie Idempotency-Key X-CSRF-Token X-Requested-With
  Content-Encoding Content-Language Content-Type Range If-Range
  If-Match If-None-Match If-Modified-Since If-Unmodified-Since
  Origin Referer Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site
  Access-Control-Request-Headers Access-Control-Request-Method
`;

export function headersFor(request: Request, key: string): Headers {
  const headers = new Headers();
  const copy = (name: string, from = name) => {
    const value = request.headers.get(from);
    if (value !== null) headers.set(name, value);
  };
  for (const name of PASSED.trim().split(/\s+/)) copy(name);
  // For a site of this zone the edge makes CF-Connecting-IP anew, from X-Real-IP.
  for (const name of ["X-Forwarded-For", "X-Real-IP"]) copy(name, "CF-Connecting-IP");
  const { host, protocol } = new URL(request.url);
  headers.set("X-Forwarded-Host", host);
  headers.set("X-Forwarded-Proto", protocol.slice(0, -1));
  headers.set("X-Origin-Key", key);
  return headers;
}
// --8<-- [end:headers]

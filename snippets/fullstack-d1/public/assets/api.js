// --8<-- [start:api]
let csrf = "";

/** Call the API with what it expects: the token, the version seen, the last bookmark. */
export async function call(method, path, body, version) {
  const headers = new Headers();
  const bookmark = localStorage.getItem("bookmark");
  if (bookmark) headers.set("X-D1-Bookmark", bookmark);
  if (method !== "GET") headers.set("X-CSRF-Token", csrf);
  if (version) headers.set("If-Match", `"${version}"`);
  if (body) headers.set("Content-Type", "application/json");
  const request = { method, headers, body: body && JSON.stringify(body) };
  const response = await fetch(path, request).catch(() => {
    throw new Refused(0, "The network does not answer. Please try again.");
  });
  const next = response.headers.get("X-D1-Bookmark");
  if (next) localStorage.setItem("bookmark", next);
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) {
    const message = answer.error?.message ?? "The server answered with an error.";
    throw new Refused(response.status, message);
  }
  if (answer.csrf) csrf = answer.csrf;
  return answer;
}
// --8<-- [end:api]

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

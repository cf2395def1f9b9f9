import { nothingHere, problem } from "../../http";

const PEOPLE: Record<string, string> = { "session-a": "Ana", "session-b": "Ben" };
// The same for every Host that a caller may send.
const STORE = "https://store.example.com";
const HTML = { "Content-Type": "text/html; charset=utf-8" };

/** Stands for the slow work that a cache should save. */
function render(name: string, cacheControl: string): Response {
  console.log(JSON.stringify({ event: "rendered", name }));
  const headers = { ...HTML, "Cache-Control": cacheControl };
  return new Response(`<h1>Orders of ${name}</h1>`, { headers });
}

async function stored(key: string, make: () => Response): Promise<Response> {
  const found = await caches.default.match(key);
  if (found) return found;
  const made = make();
  await caches.default.put(key, made.clone());
  return made;
}

// --8<-- [start:wrong]
function byPath(name: string): Promise<Response> {
  return stored(`${STORE}/orders`, () => render(name, "max-age=60"));
}
// --8<-- [end:wrong]

// --8<-- [start:right]
async function byPerson(name: string): Promise<Response> {
  const key = `${STORE}/orders?person=${encodeURIComponent(name)}`;
  const page = await stored(key, () => render(name, "max-age=60"));
  // Our own store knows the person; no cache between here and the browser does.
  const headers = { ...HTML, "Cache-Control": "private" };
  return new Response(page.body, { headers });
}

function notAtAll(name: string): Response {
  return render(name, "private, no-store");
}
// --8<-- [end:right]

export default {
  async fetch(request) {
    const cookies = (request.headers.get("Cookie") ?? "").split(/; */);
    const [session = "", ...others] = cookies.filter((one) => one.startsWith("session="));
    const key = session.slice("session=".length);
    // Every object has a "constructor"; nobody's session has that name.
    const name = others.length === 0 && Object.hasOwn(PEOPLE, key) ? PEOPLE[key] : undefined;
    if (!name) return problem(401, "unauthenticated", "Sign in first.");
    const { pathname } = new URL(request.url);
    if (pathname === "/by-path") return byPath(name);
    if (pathname === "/by-person") return byPerson(name);
    if (pathname === "/not-stored") return notAtAll(name);
    return nothingHere();
  },
} satisfies ExportedHandler<Env>;

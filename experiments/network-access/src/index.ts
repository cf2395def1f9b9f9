import { connect } from "cloudflare:sockets";
import { nothingHere, problem } from "../../http";

// A Worker plays the edge here: Tunnel, Access and the device client do not run offline.

// --8<-- [start:wrong]
/** A route for the whole range knows addresses: no people, no applications. */
async function openAddress(port: number): Promise<Response> {
  const address = { hostname: "127.0.0.1", port };
  console.log(JSON.stringify({ event: "opened", address }));
  try {
    const socket = connect(address);
    await socket.opened;
    await socket.close();
    return Response.json({ reached: true });
  } catch {
    return problem(502, "closed", "Nothing listens there.");
  }
}
// --8<-- [end:wrong]

// --8<-- [start:right]
const ANA = "ana@example.com";
const FINN = "finn@example.com";

const APPLICATIONS: Record<string, { origin: keyof Env; allow: string[] }> = {
  "wiki.example.com": { origin: "WIKI_ORIGIN", allow: [ANA, FINN] },
  "payroll.example.com": { origin: "PAYROLL_ORIGIN", allow: [FINN] },
};

async function openApplication(host: string, who: string, env: Env) {
  const application = APPLICATIONS[host];
  const event = application?.allow.includes(who) ? "allowed" : "refused";
  console.log(JSON.stringify({ event, who, host }));
  if (!application || event === "refused")
    return problem(403, "forbidden", "You may not open this application.");
  return fetch(env[application.origin], { redirect: "manual" });
}
// --8<-- [end:right]

export default {
  async fetch(request, env, ctx) {
    const { hostname, pathname } = new URL(request.url);
    const port = /^\/range\/(\d{1,5})$/.exec(pathname)?.[1];
    if (port !== undefined) return openAddress(Number(port));
    if (pathname !== "/") return nothingHere();
    const identity = await ctx.access?.getIdentity();
    if (!identity?.email) return problem(401, "unauthenticated", "Sign in first.");
    return openApplication(hostname, identity.email, env);
  },
} satisfies ExportedHandler<Env>;

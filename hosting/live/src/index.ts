import { devDependencies } from "../../../package.json";
import type { Call, HostedExample, Outcome } from "../sandbox/protocol";
import { parseCall } from "./call";
import { readBody, refuseOtherSites } from "./door";
import { hostedExamples } from "./examples";
import { errorResponse, HttpError, json, tooMany } from "./http";
import { reasonOf } from "./reasons";
import { knownVisitor, networkOf, newVisitor, requireKey, type Visitor } from "./visitor";

export { Daily } from "./daily";

export default {
  async fetch(request, env, ctx) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    const answer = await route(request, env, ctx, requestId).catch((error: unknown) => errorResponse(error, requestId));
    answer.headers.set("X-Request-Id", requestId);
    return answer;
  },
} satisfies ExportedHandler<Env>;

async function route(request: Request, env: Env, ctx: ExecutionContext, requestId: string): Promise<Response> {
  requireKey(env.VISITOR_KEY);
  const examples = hostedExamples(env);
  // A page asks beside its own edition, and only the latest one is offered a runtime.
  const name = /^(?:\/latest)?\/live\/([a-z0-9-]+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
  if (name === "status") {
    if (request.method !== "GET") throw notAllowed("GET");
    const runtime = { wrangler: devDependencies.wrangler, workerd: "on Cloudflare's network" };
    return json({ live: true, where: "hosted", runtime, examples: Object.keys(examples) });
  }
  const example = Object.hasOwn(examples, name) ? examples[name] : undefined;
  if (!example) throw new HttpError(404, "not_found", "There is no such example here.");
  if (request.method !== "POST" && request.method !== "DELETE") throw notAllowed("POST, DELETE");
  refuseOtherSites(request);
  const network = networkOf(request.headers.get("CF-Connecting-IP") ?? "unknown");
  const known = await knownVisitor(request, env.VISITOR_KEY);
  await refuseTooMany(env, known, network);
  if (request.method === "DELETE") {
    if (known) await example.forget(known.id);
    return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
  }
  const { removed, ...call } = parseCall(await readBody(request), requestId);
  const visitor = known ?? (await newVisitor(env.VISITOR_KEY));
  const outcome = await ask(example, visitor, network, call, ctx);
  const headers: Record<string, string> = visitor.cookie ? { "Set-Cookie": visitor.cookie } : {};
  if ("answer" in outcome) {
    const { status } = outcome.answer;
    return json({ ...outcome.answer, status_text: reasonOf(status), removed }, 200, headers);
  }
  if ("new" in outcome)
    throw tooMany(
      "Today's visitors, or those of your network, have taken all sandboxes. Tomorrow there are new ones.",
      3600,
    );
  const { status, code, message, retryAfterS } = outcome.refused;
  if (retryAfterS) headers["Retry-After"] = `${retryAfterS}`;
  return json({ error: { code, message } }, status, headers);
}

/** The limits come before the body: a flood costs no more than a look at its headers. */
async function refuseTooMany(env: Env, known: Visitor | null, network: string): Promise<void> {
  const limiter = known ? env.CALLS : env.NEW_VISITORS;
  const { success } = await limiter.limit({ key: known?.id ?? network });
  if (!success) throw tooMany("Too many requests. Wait a minute.", 60);
}

/** Only who takes a place of the day gets a cookie, and a place counts for the network that it is taken from. */
async function ask(
  example: HostedExample,
  visitor: Visitor,
  network: string,
  call: Call,
  ctx: ExecutionContext,
): Promise<Outcome> {
  const outcome = await example.call(visitor.id, call, false);
  if (!("new" in outcome)) return outcome;
  const today = new Date().toISOString().slice(0, 10);
  const free = await ctx.exports.Daily.getByName("daily").admit(today, visitor.id, network);
  return free ? example.call(visitor.id, call, true) : outcome;
}

function notAllowed(methods: string): HttpError {
  return new HttpError(405, "method_not_allowed", `This address takes ${methods}.`, { Allow: methods });
}

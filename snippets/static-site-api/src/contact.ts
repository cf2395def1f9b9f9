import { type Fields, readFields } from "./fields";
import { refuseOtherSites, refuseTooMany } from "./guard";
import { json, type Log, refusalOf, wantsPage } from "./http";
import { parseMessage } from "./message";
import { formPage } from "./pages";
import { store } from "./store";
import { issueToken, openToken } from "./token";

// After these, the same token can never succeed.
const TOKEN_IS_SPENT = ["form_unknown", "form_expired", "already_sent"];

export async function showForm(request: Request, env: Env): Promise<Response> {
  return formPage(request, env, { form: await issueToken(env.FORM_KEY, Date.now()) });
}

// --8<-- [start:submit]
export async function submit(request: Request, env: Env, log: Log): Promise<Response> {
  let fields: Fields = {};
  try {
    refuseOtherSites(request);
    // Before the limiter: the page that says "wait" still holds the typed text.
    fields = await readFields(request);
    await refuseTooMany(request, env.PER_CLIENT);
    const message = parseMessage(fields);
    const id = await openToken(fields.form, env.FORM_KEY, Date.now());
    const { receivedAt, repeated } = await store(env.DB, id, message, log);
    log("message_stored", { id, repeated });
    if (!wantsPage(request)) {
      return json({ id, receivedAt }, repeated ? 200 : 201);
    }
    const headers = { Location: "/thanks", "Cache-Control": "no-store" };
    return new Response(null, { status: 303, headers });
  } catch (error) {
    const refusal = refusalOf(error, log);
    log("message_refused", { status: refusal.status, code: refusal.code });
    if (!wantsPage(request)) throw refusal;
    const { name, email, message, form } = fields;
    const fresh = form === undefined || TOKEN_IS_SPENT.includes(refusal.code);
    const token = fresh ? await issueToken(env.FORM_KEY, Date.now()) : form;
    return formPage(request, env, { name, email, message, form: token }, refusal);
  }
}
// --8<-- [end:submit]

import type { Fields } from "./fields";
import type { HttpError } from "./http";

// --8<-- [start:form-page]
/** The static form with a token; after a refusal with reason and typed text. */
export async function formPage(
  request: Request,
  env: Env,
  values: Fields,
  refusal?: HttpError,
): Promise<Response> {
  const page = await file(request, env, "/contact");
  const field = /^invalid_(name|email|message)$/.exec(refusal?.code ?? "")?.[1];
  const filled = new HTMLRewriter()
    .on("form input, form textarea", {
      element(element) {
        const name = element.getAttribute("name") as keyof Fields;
        const value = values[name] ?? "";
        if (element.tagName === "textarea") element.setInnerContent(value);
        else element.setAttribute("value", value);
        if (name === field) element.setAttribute("aria-invalid", "true");
      },
    })
    .on("#problem", {
      element(element) {
        if (!refusal) return;
        element.removeAttribute("hidden");
        element.setAttribute("autofocus", "");
        element.setInnerContent(refusal.message);
      },
    })
    .on("title", {
      element(element) {
        if (refusal) element.prepend("Not sent: ");
      },
    })
    .transform(page);
  // Each copy holds another token: no shared cache keeps it, no 304 replaces it.
  const caching = refusal ? "no-store" : "private, no-cache";
  return changed(filled, refusal?.status ?? 200, caching, refusal?.headers);
}
// --8<-- [end:form-page]

// --8<-- [start:not-found]
/** 404.html is a file like any other; it gets its status here. */
export async function plainPage(
  request: Request,
  env: Env,
  refusal: HttpError,
): Promise<Response> {
  const path = refusal.status === 404 ? "/404" : "/error";
  const page = await file(request, env, path);
  return changed(page, refusal.status, "no-store", refusal.headers);
}
// --8<-- [end:not-found]

async function file(request: Request, env: Env, path: string): Promise<Response> {
  // Only the address: with the visitor's If-None-Match this would be a 304 without a page.
  const page = await env.ASSETS.fetch(new URL(path, request.url));
  if (page.status !== 200) throw new Error(`${path} is missing from the static files`);
  return page;
}

function changed(
  page: Response,
  status: number,
  caching: string,
  more: Record<string, string> = {},
): Response {
  const headers = new Headers(page.headers);
  headers.delete("ETag");
  headers.set("Cache-Control", caching);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  return new Response(page.body, { status, headers });
}

import { Refusal } from "../../shared/errors";

export const BODY_LIMIT_BYTES = 1024 * 1024;

export const invalid = (message: string) => new Refusal(400, "invalid", message);

/** Read a JSON object of at most 1 MiB; a claimed Content-Length is only a reason to stop. */
export async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  const tooLarge = new Refusal(413, "too_large", "The body may have 1 MiB.");
  if (Number(request.headers.get("content-length")) > BODY_LIMIT_BYTES) throw tooLarge;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  let body: unknown;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      if (size > BODY_LIMIT_BYTES) throw tooLarge;
      text += decoder.decode(chunk, { stream: true });
    }
    body = JSON.parse(text + decoder.decode());
  } catch (error) {
    throw error === tooLarge ? error : invalid("The body is not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw invalid("The body is not a JSON object.");
  return body as Record<string, unknown>;
}

/** Refuse fields that nobody reads: a misspelt one would be a change that never happens. */
export function only(body: Record<string, unknown>, ...names: string[]): void {
  const other = Object.keys(body).find((name) => !names.includes(name));
  if (other === undefined) return;
  const start = [...other].slice(0, 40).join("");
  throw invalid(`There is no field ${JSON.stringify(start)} here.`);
}

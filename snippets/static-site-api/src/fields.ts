import { readText, TooLarge } from "./body";
import { HttpError } from "./http";

const NAMES = ["name", "email", "message", "website", "form"] as const;
export type Fields = Partial<Record<(typeof NAMES)[number], string>>;

// --8<-- [start:read]
/** The same fields, from a form without JavaScript or as JSON from a script. */
export async function readFields(request: Request): Promise<Fields> {
  const type = request.headers.get("Content-Type") ?? "";
  const isForm = /^application\/x-www-form-urlencoded[ \t]*(;|$)/i.test(type);
  if (!isForm && !/^application\/json[ \t]*(;|$)/i.test(type)) {
    const message = "Send a URL-encoded form or JSON.";
    throw new HttpError(415, "unsupported_media_type", message);
  }
  let entries: [string, unknown][];
  try {
    const text = await readText(request.body);
    entries = isForm ? [...new URLSearchParams(text)] : entriesOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof TooLarge) {
      const message = "This is more than a contact form takes.";
      throw new HttpError(413, "body_too_large", message);
    }
    throw invalid("The body is not what its Content-Type says.");
  }
  const fields: Fields = {};
  for (const [name, value] of entries) {
    const known = NAMES.find((one) => one === name);
    if (known === undefined) throw invalid("The form has no such field.");
    if (typeof value !== "string") throw invalid("Every field is a text.");
    if (fields[known] !== undefined) throw invalid("A field was given twice.");
    fields[known] = value;
  }
  return fields;
}
// --8<-- [end:read]

function entriesOf(value: unknown): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value);
  }
  throw new TypeError("no JSON object");
}

function invalid(message: string): HttpError {
  return new HttpError(400, "invalid_form", message);
}

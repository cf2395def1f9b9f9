import { HttpError } from "./http";

const BODY_LIMIT_BYTES = 16_384;

/** Content-Length may be absent or wrong: the bytes are counted as they come. */
async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT_BYTES) {
      const message = `A request takes at most ${BODY_LIMIT_BYTES} bytes.`;
      throw new HttpError(413, "body_too_large", message);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Read a JSON object that has no other fields than these. */
export async function readFields(
  request: Request,
  ...names: string[]
): Promise<Record<string, unknown>> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json[ \t]*(;|$)/i.test(type)) {
    const message = "Send Content-Type: application/json.";
    throw new HttpError(415, "unsupported_media_type", message);
  }
  let value: unknown;
  try {
    value = JSON.parse(await readText(request.body));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  }
  return fieldsOf(value, names);
}

export function fieldsOf(value: unknown, names: string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(422, "invalid_fields", "Send a JSON object.");
  }
  if (Object.keys(value).some((name) => !names.includes(name))) {
    const message = `The fields are: ${names.join(", ")}.`;
    throw new HttpError(422, "invalid_fields", message);
  }
  return value as Record<string, unknown>;
}

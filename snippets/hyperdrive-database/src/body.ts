import { HttpError } from "./http";

const BODY_LIMIT_BYTES = 8192;

/** Content-Length may be absent or wrong, so the bytes are counted as they come. */
export async function readText(request: Request): Promise<string> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json[ \t]*(;|$)/i.test(type)) {
    const message = "Send the order with Content-Type: application/json.";
    throw new HttpError(415, "unsupported_media_type", message);
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT_BYTES) {
      const message = `An order takes at most ${BODY_LIMIT_BYTES} bytes.`;
      throw new HttpError(413, "body_too_large", message);
    }
    text += decode(decoder, chunk);
  }
  return text + decode(decoder);
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  }
}

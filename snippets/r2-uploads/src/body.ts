import { HttpError } from "./http";

const BODY_LIMIT_BYTES = 4096;

/** Content-Length may be absent or wrong, so the bytes are counted as they come. */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json[ \t]*(;|$)/i.test(type))
    throw new HttpError(415, "unsupported_media_type", "Send application/json.");
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      if (size > BODY_LIMIT_BYTES) break;
      text += decoder.decode(chunk, { stream: true });
    }
    if (size <= BODY_LIMIT_BYTES) return JSON.parse(text + decoder.decode());
  } catch {
    throw new HttpError(400, "invalid_json", "The body is not JSON in UTF-8.");
  }
  throw new HttpError(413, "body_too_large", `Send at most ${BODY_LIMIT_BYTES} bytes.`);
}

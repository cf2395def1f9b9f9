import { HttpError } from "./http";

/** Content-Length may be absent or wrong, so the bytes are counted as they come. */
export async function readText(
  request: Request,
  type: string,
  most: number,
): Promise<string> {
  // Not toLowerCase(): it makes a k of the Kelvin sign.
  const wanted = new RegExp(`^${type}[ \\t]*(;|$)`, "i");
  if (!wanted.test(request.headers.get("Content-Type") ?? ""))
    throw new HttpError(415, "unsupported_media_type", `Send Content-Type: ${type}.`);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > most)
      throw new HttpError(413, "body_too_large", `A body takes at most ${most} bytes.`);
    text += decode(() => decoder.decode(chunk, { stream: true }));
  }
  return text + decode(() => decoder.decode());
}

function decode(step: () => string): string {
  try {
    return step();
  } catch {
    throw new HttpError(400, "not_text", "The body is not text in UTF-8.");
  }
}

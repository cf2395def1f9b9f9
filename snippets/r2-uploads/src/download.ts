import type { FileRow } from "./files";
import { HttpError, log } from "./http";
import { hasIt, parseRange, wantsAnother } from "./range";

// --8<-- [start:download]
export async function download(
  request: Request,
  env: Env,
  file: FileRow,
  requestId: string,
): Promise<Response> {
  if (file.state === "pending")
    throw new HttpError(409, "not_ready", "This file is not checked yet.", {
      "Retry-After": "2",
    });
  if (file.state !== "ready" || file.etag === null)
    throw new HttpError(410, "gone", `This file is ${file.state}.`);
  const etag = `"${file.etag}"`;
  const headers = new Headers({
    ETag: etag,
    // Kept by this reader only, and asked for again each time: rights may be gone.
    "Cache-Control": "private, no-cache, no-transform",
    "Accept-Ranges": "bytes",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": disposition(file.name),
  });
  if (wantsAnother(request.headers, etag))
    throw new HttpError(412, "precondition_failed", "This file has another ETag.");
  if (hasIt(request.headers, etag)) return new Response(null, { status: 304, headers });

  const head = request.method === "HEAD";
  const range = head ? null : parseRange(request.headers, file.size, etag);
  const { offset, length } = range ?? { offset: 0, length: file.size };
  // Only the bytes that were checked: an object that was changed since is not served.
  const onlyIf = { etagMatches: file.etag };
  const object = head
    ? await env.BUCKET.head(file.key)
    : await env.BUCKET.get(file.key, { range: { offset, length }, onlyIf });
  if (object === null || object.etag !== file.etag || (!head && !hasBody(object))) {
    log("error", "object_missing_or_changed", { requestId, file: file.id });
    throw new HttpError(410, "gone", "This file is lost or was changed after its check.");
  }
  headers.set("Content-Type", file.type);
  headers.set("Content-Length", String(length));
  if (range)
    headers.set("Content-Range", `bytes ${offset}-${offset + length - 1}/${file.size}`);
  return new Response(hasBody(object) ? object.body : null, {
    status: range ? 206 : 200,
    headers,
  });
}
// --8<-- [end:download]

const hasBody = (object: R2Object): object is R2ObjectBody => "body" in object;

// --8<-- [start:disposition]
/** Always "attachment": a file of one user never runs as a page of your site. */
function disposition(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["%]/g, "_");
  const coded = encodeURIComponent(name).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${coded}`;
}
// --8<-- [end:disposition]

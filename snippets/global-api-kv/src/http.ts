const CLIENT_TTL_S = 30;

/** An answer that is no success. It is thrown anywhere and becomes JSON in one place. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

export function json(
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      ...headers,
    },
  });
}

export function errorResponse(error: unknown): Response {
  if (error instanceof HttpError) {
    return json(
      { error: { code: error.code, message: error.message } },
      error.status,
      error.headers,
    );
  }
  console.error(error);
  return json(
    { error: { code: "internal_error", message: "Something went wrong here." } },
    500,
  );
}

// --8<-- [start:etag]
export async function revalidatable(request: Request, value: unknown): Promise<Response> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const half = Array.from(digest.subarray(0, 16));
  const etag = `"${half.map((byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
  const headers = { ETag: etag, "Cache-Control": `public, max-age=${CLIENT_TTL_S}` };
  const known = request.headers.get("If-None-Match");
  return known !== null && matches(known, etag)
    ? new Response(null, { status: 304, headers })
    : json(value, 200, headers);
}

// A proxy that compresses turns a strong tag into a weak one; for reading, both mean the
// same.
function matches(known: string, etag: string): boolean {
  return (
    known === "*" ||
    known.split(/[ \t]*,[ \t]*/).some((tag) => tag.replace(/^W\//, "") === etag)
  );
}
// --8<-- [end:etag]

import { firstLine, HttpError, type Log } from "./http";

export type Size = { width: number; height: number };

// --8<-- [start:write]
const keyOf = (hash: string) => `originals/${hash}`;

/** Says whether these bytes are new. R2 checks the hash and replaces nothing. */
export async function keepOriginal(
  bucket: R2Bucket,
  hash: string,
  { bytes, type }: { bytes: ArrayBuffer; type: string },
  { width, height }: Size,
  log: Log,
): Promise<boolean> {
  const put = bucket.put(keyOf(hash), bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    sha256: hash,
    httpMetadata: { contentType: type },
    customMetadata: { width: String(width), height: String(height) },
  });
  return (await guarded(log, "put_original", put)) !== null;
}
// --8<-- [end:write]

const missing = () =>
  new HttpError(404, "photo_not_found", "There is no photo under this key.");

export async function readOriginal(
  bucket: R2Bucket,
  hash: string,
  log: Log,
): Promise<R2ObjectBody> {
  const object = await guarded(log, "read_original", bucket.get(keyOf(hash)));
  if (object) return object;
  throw missing();
}

export async function requireOriginal(
  bucket: R2Bucket,
  hash: string,
  log: Log,
): Promise<void> {
  if (!(await guarded(log, "head_original", isThere(bucket, hash)))) throw missing();
}

export async function isThere(bucket: R2Bucket, hash: string): Promise<boolean> {
  return (await bucket.head(keyOf(hash))) !== null;
}

export function deleteOriginal(bucket: R2Bucket, hash: string, log: Log): Promise<void> {
  return guarded(log, "delete_original", bucket.delete(keyOf(hash)));
}

// --8<-- [start:guard]
export async function guarded<T>(log: Log, step: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    log("storage_failed", { step, error: firstLine(error) });
    const message = "The photo store does not answer.";
    throw new HttpError(503, "storage_unavailable", message, { "Retry-After": "5" });
  }
}
// --8<-- [end:guard]

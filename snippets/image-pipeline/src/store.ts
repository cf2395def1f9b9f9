import { firstLine, HttpError, type Log } from "./http";
import { isHash } from "./keys";

export type Size = { width: number; height: number };

// --8<-- [start:write]
const originalKey = (hash: string) => `originals/${hash}`;
const nameKey = (name: string) => `names/${name}`;

/** Says whether these bytes are new. R2 checks the hash, and never replaces what is there. */
export async function keepOriginal(
  bucket: R2Bucket,
  hash: string,
  { bytes, type }: { bytes: ArrayBuffer; type: string },
  { width, height }: Size,
  log: Log,
): Promise<boolean> {
  const put = bucket.put(originalKey(hash), bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    sha256: hash,
    httpMetadata: { contentType: type },
    customMetadata: { width: String(width), height: String(height) },
  });
  return (await guarded(log, "put_original", put)) !== null;
}

export async function pointName(
  bucket: R2Bucket,
  name: string,
  hash: string,
  log: Log,
): Promise<void> {
  await guarded(log, "put_name", bucket.put(nameKey(name), hash));
}
// --8<-- [end:write]

export async function readName(
  bucket: R2Bucket,
  name: string,
  log: Log,
): Promise<string> {
  const read = async () => (await bucket.get(nameKey(name)))?.text();
  const hash = await guarded(log, "read_name", read());
  if (hash !== undefined && isHash(hash)) return hash;
  throw new HttpError(404, "photo_not_found", `There is no photo "${name}".`);
}

export async function readOriginal(
  bucket: R2Bucket,
  hash: string,
  log: Log,
): Promise<R2ObjectBody> {
  const object = await guarded(log, "read_original", bucket.get(originalKey(hash)));
  if (object) return object;
  throw new HttpError(404, "photo_not_found", "There is no photo under this key.");
}

export async function deleteName(
  bucket: R2Bucket,
  name: string,
  log: Log,
): Promise<void> {
  await guarded(log, "delete_name", bucket.delete(nameKey(name)));
}

export async function deleteOriginal(
  bucket: R2Bucket,
  hash: string,
  log: Log,
): Promise<void> {
  await guarded(log, "delete_original", bucket.delete(originalKey(hash)));
}

// --8<-- [start:guard]
async function guarded<T>(log: Log, step: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    log("storage_failed", { step, error: firstLine(error) });
    const message = "The photo store does not answer.";
    throw new HttpError(503, "storage_unavailable", message, { "Retry-After": "5" });
  }
}
// --8<-- [end:guard]

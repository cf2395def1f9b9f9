import { HttpError, type Log } from "./http";
import { isHash } from "./keys";
import { guarded } from "./store";

// --8<-- [start:names]
const keyOf = (name: string) => `names/${name}`;

/** R2 is consistent: who reads the name after this write reads the new key. */
export async function pointName(
  bucket: R2Bucket,
  name: string,
  hash: string,
  log: Log,
): Promise<void> {
  await guarded(log, "put_name", bucket.put(keyOf(name), hash));
}

export async function readName(bucket: R2Bucket, name: string, log: Log): Promise<string> {
  const read = async () => (await bucket.get(keyOf(name)))?.text();
  const hash = await guarded(log, "read_name", read());
  if (hash !== undefined && isHash(hash)) return hash;
  throw new HttpError(404, "photo_not_found", `There is no photo "${name}".`);
}
// --8<-- [end:names]

export function deleteName(bucket: R2Bucket, name: string, log: Log): Promise<void> {
  return guarded(log, "delete_name", bucket.delete(keyOf(name)));
}

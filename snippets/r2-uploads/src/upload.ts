import type { Ask } from "./ask";
import { type FileRow, insertPending } from "./files";
import { HttpError } from "./http";
import { planParts } from "./plan";
import { signPut, URL_TTL_S } from "./sign";

// A PUT that starts in the last second of its URL may still take a while.
const PUT_PATIENCE_S = 3600;
// By then R2 has dropped the parts of an upload that was not completed.
const MULTIPART_PATIENCE_S = 7 * 86_400;

// --8<-- [start:upload]
export async function startUpload(env: Env, owner: string, ask: Ask) {
  const id = crypto.randomUUID();
  const key = `uploads/${owner}/${id}`; // no part of it comes from the request's body
  const { multipart, ...about } = ask;
  const patience = multipart ? MULTIPART_PATIENCE_S : URL_TTL_S + PUT_PATIENCE_S;
  const created_at = Date.now();
  const file: FileRow = {
    id,
    owner,
    key,
    ...about,
    state: "pending",
    reason: null,
    etag: null,
    created_at,
    deadline: created_at + patience * 1000,
    // Parts are sent with a key pair, and by no URL.
    url_until: created_at + (multipart ? 0 : patience * 1000),
  };
  if (!(await insertPending(env.DB, file, env.QUOTA_BYTES)))
    throw new HttpError(
      409,
      "quota_exceeded",
      "Your space or your open uploads are used up.",
    );
  if (!multipart) return { id, state: file.state, put: await signPut(env, file) };
  return {
    id,
    state: file.state,
    multipart: { bucket: env.BUCKET_NAME, key, owner, ...planParts(file.size) },
  };
}
// --8<-- [end:upload]

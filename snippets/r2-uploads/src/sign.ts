import { AwsV4Signer } from "aws4fetch";

export const URL_TTL_S = 600;

export type SignedPut = {
  method: "PUT";
  url: string;
  headers: Record<string, string>;
};

// --8<-- [start:sign]
/** Makes a URL that lets its holder store one object: this key, type, size and owner. */
export async function signPut(
  env: Env,
  file: { key: string; type: string; size: number; owner: string },
): Promise<SignedPut> {
  if (!env.S3_SECRET_ACCESS_KEY) throw new Error("S3_SECRET_ACCESS_KEY is not set");
  const url = new URL(`${env.S3_ENDPOINT}/${env.BUCKET_NAME}/${file.key}`);
  url.searchParams.set("X-Amz-Expires", String(URL_TTL_S));
  const headers = {
    "content-type": file.type,
    "if-none-match": "*", // the URL never replaces an object
    "x-amz-meta-owner": file.owner,
  };
  const signed = await new AwsV4Signer({
    method: "PUT",
    url: url.href,
    // Every HTTP client sends the length by itself, and browsers let no script set it.
    headers: { ...headers, "content-length": String(file.size) },
    accessKeyId: env.S3_ACCESS_KEY_ID,
    secretAccessKey: env.S3_SECRET_ACCESS_KEY,
    service: "s3",
    region: "auto",
    signQuery: true,
    allHeaders: true, // the default leaves Content-Type and Content-Length unsigned
  }).sign();
  return { method: "PUT", url: signed.url.href, headers };
}
// --8<-- [end:sign]

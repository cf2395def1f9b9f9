import { Refusal } from "../../shared/errors";

/** Wait for Cloudflare. What breaks off there is not the caller's fault, and can be repeated. */
export async function asked<T extends Promise<unknown>>(answer: T): Promise<Awaited<T>> {
  try {
    return await answer;
  } catch (error) {
    const message = "Cloudflare does not do this now. Send it again.";
    throw new Refusal(503, "unavailable", message, String(error), { "Retry-After": "10" });
  }
}

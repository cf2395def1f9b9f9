import type { Answer } from "./protocol";

const MOST_BYTES = 64 * 1024;
const SPELLED: Record<string, string> = { etag: "ETag", "www-authenticate": "WWW-Authenticate" };

/** Read a response up to the limit: what an example streams without an end is cut, not awaited. */
export async function readAnswer(response: Response, method: string): Promise<Omit<Answer, "ms">> {
  const headers = [...response.headers].map(([name, value]) => [spelled(name), value]);
  const body = method === "HEAD" ? null : response.body;
  const decoder = new TextDecoder();
  let [text, left, truncated] = ["", MOST_BYTES, false];
  const reader = body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || !value) break;
    text += decoder.decode(value.subarray(0, left), { stream: true });
    truncated = value.byteLength > left;
    left -= value.byteLength;
    if (truncated) break;
  }
  await reader?.cancel();
  // What was cut may end inside a character, which is left out as well.
  const shown = truncated ? text : text + decoder.decode();
  return { status: response.status, headers, body: shown, truncated };
}

/** `Headers` gives names in lower case; HTTP/1.1 shows them as they are usually written. */
function spelled(name: string): string {
  return SPELLED[name] ?? name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

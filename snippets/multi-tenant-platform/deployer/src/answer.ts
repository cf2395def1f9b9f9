const ANSWER_LIMIT_BYTES = 1_048_576;

/** Read JSON from outside. It may be packed, so the bytes are counted as they unpack. */
export async function readAnswer<T>(response: Response): Promise<T> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > ANSWER_LIMIT_BYTES) throw new Error("the answer is too large");
    text += decoder.decode(chunk, { stream: true });
  }
  return JSON.parse(text + decoder.decode()) as T;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const PASSING = [408, 425, 429]; // and all from 500 on: later there may be another answer

// --8<-- [start:browser]
export async function uploadFile(file, token) {
  const api = (path, init = {}) =>
    fetch(path, {
      ...init,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    });
  const { name, type, size } = file;
  const body = JSON.stringify({ name, type, size });
  const asked = await api("/v1/files", { method: "POST", body });
  if (!asked.ok) throw await problem(asked);
  const { id, put } = await asked.json();
  // Straight to R2. The browser adds Content-Length, which is signed too.
  const sent = await fetch(put.url, { method: "PUT", headers: put.headers, body: file });
  if (!sent.ok && sent.status !== 412) throw new Error(`not stored: ${sent.status}`);
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    const answer = await api(`/v1/files/${id}`);
    if (answer.ok) {
      const now = await answer.json();
      if (now.state !== "pending") return now;
    } else if (!PASSING.includes(answer.status) && answer.status < 500) {
      throw await problem(answer);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** What refused may be no answer of the Worker: a firewall sends a page. */
async function problem(answer) {
  const { error } = await answer.json().catch(() => ({}));
  return new Error(error?.message ?? `refused: ${answer.status}`);
}
// --8<-- [end:browser]

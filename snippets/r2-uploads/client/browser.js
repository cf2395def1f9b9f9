const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

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
  const { id, put, error } = await asked.json();
  if (error) throw new Error(error.message);
  // Straight to R2. The browser adds Content-Length, which is signed too.
  const sent = await fetch(put.url, { method: "PUT", headers: put.headers, body: file });
  if (!sent.ok && sent.status !== 412) throw new Error(`not stored: ${sent.status}`);
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    const answer = await api(`/v1/files/${id}`);
    if (answer.status < 500) {
      const now = await answer.json();
      if (now.error) throw new Error(now.error.message);
      if (now.state !== "pending") return now;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
// --8<-- [end:browser]

import type { Incoming } from "./protocol";

/** Static files come before the Worker, except where `run_worker_first` says otherwise: the platform's order, in code. */
export async function filesFirst(
  files: Fetcher,
  request: Incoming,
  workerFirst: RegExp,
  worker: (request: Incoming) => Promise<Response>,
): Promise<Response> {
  const reads = request.method === "GET" || request.method === "HEAD";
  if (!reads || workerFirst.test(new URL(request.url).pathname)) return worker(request);
  const file = await files.fetch(new Request(request));
  return file.status === 404 ? worker(request) : file;
}

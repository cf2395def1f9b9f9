/** Errors of all experiments, in the shape of the examples. */
export function problem(status: number, code: string, message: string): Response {
  const headers = { "Cache-Control": "no-store" };
  return Response.json({ error: { code, message } }, { status, headers });
}

export const nothingHere = () =>
  problem(404, "not_found", "There is nothing at this address.");

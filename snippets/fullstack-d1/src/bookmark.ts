import { HttpError } from "./http";

const HEADER = "X-D1-Bookmark";

// --8<-- [start:bookmark]
/** Read no older state than this browser saw last, and tell it how far that now is. */
export async function bookmarked(
  request: Request,
  database: D1Database,
  work: (db: D1DatabaseSession) => Promise<Response>,
): Promise<Response> {
  const seen = request.headers.get(HEADER) ?? "first-unconstrained";
  if (!/^[0-9a-z-]{1,128}$/.test(seen)) {
    const message = "Use the bookmark of the last answer, or none.";
    throw new HttpError(400, "invalid_bookmark", message);
  }
  const db = database.withSession(seen);
  let answer: Response;
  try {
    answer = await work(db);
  } catch (error) {
    // After a refused write the page loads the list: it must not get an older one.
    if (!(error instanceof HttpError)) throw error;
    answer = error.toResponse();
  }
  const bookmark = db.getBookmark();
  if (bookmark) answer.headers.set(HEADER, bookmark);
  return answer;
}
// --8<-- [end:bookmark]

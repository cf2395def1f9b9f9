import { readFields } from "./body";
import { parseChange, parseNewTasks } from "./fields";
import { HttpError, json } from "./http";

const PAGE = 25;
const FIRST = `${Number.MAX_SAFE_INTEGER}.${"f".repeat(36)}`;
const COLUMNS = "id, title, done, version";

type Row = { id: string; title: string; done: number; version: number };

// --8<-- [start:list]
/** Newest first. The cursor is a place, not a count: changes meanwhile repeat nothing. */
export async function listTasks(
  db: D1DatabaseSession,
  userId: string,
  cursor: string | null,
): Promise<Response> {
  const place = /^(\d{1,16})\.([0-9a-f-]{36})$/.exec(cursor ?? FIRST);
  if (!place) {
    throw new HttpError(400, "invalid_cursor", "Use the cursor of the last answer.");
  }
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS}, position FROM tasks
       WHERE user_id = ?1 AND (position, id) < (?2, ?3)
       ORDER BY position DESC, id DESC LIMIT ?4`,
    )
    .bind(userId, Number(place[1]), place[2], PAGE + 1)
    .all<Row & { position: number }>();
  const rows = results.slice(0, PAGE);
  const last = rows.at(-1);
  const next = results.length > PAGE && last ? `${last.position}.${last.id}` : null;
  return json({ tasks: rows.map(shown), next });
}
// --8<-- [end:list]

// --8<-- [start:add]
/** All or none, and once: the browser chose the ids, so it may send them again. */
export async function addTasks(
  db: D1DatabaseSession,
  userId: string,
  request: Request,
): Promise<Response> {
  const { tasks } = await readFields(request, "tasks");
  const wanted = parseNewTasks(tasks);
  const insert = db.prepare(
    `INSERT INTO tasks (user_id, id, title, position) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (user_id, id) DO NOTHING RETURNING ${COLUMNS}`,
  );
  const now = Date.now() * 1000;
  const statements = wanted.map(({ id, title }, place) =>
    insert.bind(userId, id, title, now - place),
  );
  try {
    const added = await db.batch<Row>(statements);
    return json({ tasks: added.flatMap(({ results }) => results.map(shown)) }, 201);
  } catch (error) {
    if (!String(error).includes("too_many_tasks")) throw error;
    const message = "The list is full. Delete tasks first; nothing was added.";
    throw new HttpError(409, "too_many_tasks", message);
  }
}
// --8<-- [end:add]

// --8<-- [start:change]
export async function changeTask(
  db: D1DatabaseSession,
  userId: string,
  id: string,
  request: Request,
): Promise<Response> {
  const version = ifMatch(request);
  const { title, done } = parseChange(await readFields(request, "title", "done"));
  const changed = await db
    .prepare(
      `UPDATE tasks SET title = coalesce(?1, title), done = coalesce(?2, done),
         version = version + 1
       WHERE user_id = ?3 AND id = ?4 AND version = ?5 RETURNING ${COLUMNS}`,
    )
    .bind(title, done, userId, id, version)
    .first<Row>();
  if (!changed) throw await missed(db, userId, id);
  return json(shown(changed), 200, { ETag: `"${changed.version}"` });
}

export async function deleteTask(
  db: D1DatabaseSession,
  userId: string,
  id: string,
  request: Request,
): Promise<Response> {
  const deleted = await db
    .prepare("DELETE FROM tasks WHERE user_id = ?1 AND id = ?2 AND version = ?3 RETURNING id")
    .bind(userId, id, ifMatch(request))
    .first();
  if (!deleted) throw await missed(db, userId, id);
  return new Response(null, { status: 204 });
}

/** Somebody else's task and no task are the same answer. */
async function missed(db: D1DatabaseSession, userId: string, id: string): Promise<HttpError> {
  const now = await db
    .prepare("SELECT version FROM tasks WHERE user_id = ?1 AND id = ?2")
    .bind(userId, id)
    .first<{ version: number }>();
  if (!now) return new HttpError(404, "task_not_found", "There is no such task.");
  const message = "The task was changed meanwhile. Look at it again first.";
  return new HttpError(412, "version_changed", message, { ETag: `"${now.version}"` });
}

function ifMatch(request: Request): number {
  const version = /^"(\d{1,9})"$/.exec(request.headers.get("If-Match") ?? "")?.[1];
  if (version !== undefined) return Number(version);
  const message = 'Say which version you saw, for example If-Match: "1".';
  throw new HttpError(428, "version_required", message);
}
// --8<-- [end:change]

function shown({ id, title, done, version }: Row) {
  return { id, title, done: done === 1, version };
}

import { HttpError } from "./errors";
import type { Origin, Settings } from "./origins";
import { answered, isAlive, type Parcel, type Result, send, wrap } from "./send";

type Run = { origin: Origin; result: Promise<Result>; lose: AbortController };

// --8<-- [start:failover]
export async function failOver(
  request: Request,
  settings: Settings,
  ctx: ExecutionContext,
): Promise<Result & { response: Response }> {
  const end = Date.now() + settings.deadlineMs;
  const parcel = await wrap(request);
  const waiting = [...settings.origins];
  let running: Run[] = [];
  let last: Result | undefined;
  for (const origin of waiting) check(origin, false, settings, ctx);

  for (;;) {
    // Nothing is sent twice unless it may be; then the next site gets its turn.
    if (running.length === 0 && (last === undefined || parcel.repeatable)) {
      running = next(request, parcel, waiting, settings, end, ctx);
    }
    if (running.length === 0) return orError(last, settings);
    const result = await first(running, hedgeAfter(request, waiting, running, settings));
    if (result === "late") {
      running = [...running, ...next(request, parcel, waiting, settings, end, ctx)];
      if (running.length === 1) waiting.length = 0; // nobody is free to help
      continue;
    }
    running = running.filter((run) => run.origin !== result.origin);
    if (answered(result)) {
      for (const run of running) drop(run, ctx);
      return result;
    }
    check(result.origin, true, settings, ctx);
    if (last?.response) await last.response.body?.cancel();
    last = result;
  }
}
// --8<-- [end:failover]

/** Start a try at the first site that takes one, if there is time left. */
function next(
  request: Request,
  parcel: Parcel,
  waiting: Origin[],
  settings: Settings,
  end: number,
  ctx: ExecutionContext,
): Run[] {
  const left = end - Date.now();
  const index = left > 0 ? waiting.findIndex((origin) => origin.circuit.enter()) : -1;
  const [origin] = index < 0 ? [] : waiting.splice(0, index + 1).slice(-1);
  if (origin === undefined) return [];
  // An upload lasts as long as its sender needs, so it has the whole deadline.
  const timeoutMs = parcel.repeatable ? Math.min(settings.tryMs, left) : left;
  const lose = new AbortController();
  const result = send(request, parcel.body, origin, settings, timeoutMs, lose.signal);
  // Also when the visitor is gone: a place that nobody gives back would keep the site shut.
  ctx.waitUntil(
    result.then((got) => origin.circuit.leave(!lose.signal.aborted && answered(got))),
  );
  return [{ origin, lose, result }];
}

// --8<-- [start:hedge]
/** Only reads are hedged, with one site more, and only when asked for: when sites are slow,
 *  it doubles their load. */
function hedgeAfter(
  request: Request,
  waiting: Origin[],
  running: Run[],
  settings: Settings,
): number {
  const read = request.method === "GET" || request.method === "HEAD";
  return read && running.length === 1 && waiting.length > 0 ? settings.hedgeMs : 0;
}

async function first(running: Run[], hedgeMs: number): Promise<Result | "late"> {
  const results = running.map((run) => run.result);
  if (hedgeMs === 0) return Promise.race(results);
  return Promise.race([...results, scheduler.wait(hedgeMs).then(() => "late" as const)]);
}

/** The other site's answer came first: this one is neither good nor bad. */
function drop(run: Run, ctx: ExecutionContext): void {
  run.lose.abort();
  const done = async (): Promise<void> => {
    const { response } = await run.result;
    await response?.body?.cancel();
  };
  ctx.waitUntil(done());
}
// --8<-- [end:hedge]

// --8<-- [start:check]
/** No visitor pays for the question, and one at a time is enough. */
function check(
  origin: Origin,
  suspicious: boolean,
  settings: Settings,
  ctx: ExecutionContext,
): void {
  if (!origin.circuit.shouldAsk(suspicious)) return;
  const probe = async (): Promise<boolean> => {
    const alive = await isAlive(origin, settings.tryMs);
    console.log({ event: "origin_asked", origin: origin.name, alive, suspicious });
    return alive;
  };
  ctx.waitUntil(origin.circuit.ask(probe, settings.tryMs));
}
// --8<-- [end:check]

function orError(
  last: Result | undefined,
  settings: Settings,
): Result & { response: Response } {
  // A site's own "503" says more than we could; the edge's 521 only says that there is no site.
  const status = last?.response?.status ?? 0;
  if (last?.response && status < 520) return { ...last, response: last.response };
  if (last?.late || status === 522 || status === 524)
    throw new HttpError(504, "origin_too_slow", "No site answered in time.", 1);
  if (last)
    throw new HttpError(502, "origin_failed", "The connection to the site failed.", 1);
  const waitMs = Math.min(...settings.origins.map((origin) => origin.circuit.opensInMs));
  throw new HttpError(
    503,
    "no_origin",
    "No site is up. Nothing was sent to one.",
    Math.ceil(waitMs / 1000) || 1,
  );
}

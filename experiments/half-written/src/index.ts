import { nothingHere, problem } from "../../http";

const TAKE = "UPDATE accounts SET cents = cents - ?2 WHERE name = ?1";
const GIVE = "UPDATE accounts SET cents = cents + ?2 WHERE name = ?1";

type Transfer = { from: string; to: string; cents: number };

// --8<-- [start:wrong]
async function oneByOne(db: D1Database, { from, to, cents }: Transfer) {
  await db.prepare(TAKE).bind(from, cents).run();
  await db.prepare(GIVE).bind(to, cents).run(); // fails: the first half stays
}
// --8<-- [end:wrong]

// --8<-- [start:right]
async function together(db: D1Database, { from, to, cents }: Transfer) {
  await db.batch([
    db.prepare(TAKE).bind(from, cents),
    db.prepare(GIVE).bind(to, cents), // fails: the first half is undone
  ]);
}
// --8<-- [end:right]

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const transfer = parse(searchParams);
    if (request.method !== "POST" || !/^\/(one-by-one|together)$/.test(pathname))
      return nothingHere();
    if (!transfer)
      return problem(400, "invalid_transfer", "Give from, to and cents, a whole number.");
    try {
      await (pathname === "/together" ? together : oneByOne)(env.DB, transfer);
      return new Response(null, { status: 204 });
    } catch (error) {
      console.error(JSON.stringify({ event: "transfer_failed", error: String(error) }));
      return problem(409, "transfer_failed", "The transfer was not made.");
    }
  },
} satisfies ExportedHandler<Env>;

function parse(given: URLSearchParams): Transfer | null {
  const [from, to, cents] = ["from", "to", "cents"].map((name) => given.get(name));
  const fits = from && to && /^[1-9]\d{0,6}$/.test(cents ?? "");
  return fits ? { from, to, cents: Number(cents) } : null;
}

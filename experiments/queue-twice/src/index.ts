import { nothingHere } from "../../http";

type Payment = { id: string; cents: number };

// --8<-- [start:wrong]
const CHARGE = "INSERT INTO charges (payment, cents) VALUES (?, ?)";

async function careless(batch: MessageBatch<Payment>, db: D1Database) {
  for (const { body } of batch.messages) {
    check(body); // one error, and the whole batch comes again
    await db.prepare(CHARGE).bind(body.id, body.cents).run();
  }
}
// --8<-- [end:wrong]

// --8<-- [start:right]
const CHARGE_ONCE =
  "INSERT INTO charges_once (payment, cents) VALUES (?, ?) ON CONFLICT DO NOTHING";

async function careful(batch: MessageBatch<Payment>, db: D1Database) {
  for (const message of batch.messages) {
    try {
      check(message.body);
      const { id, cents } = message.body;
      await db.prepare(CHARGE_ONCE).bind(id, cents).run();
      message.ack();
    } catch (error) {
      const { id, attempts } = message;
      const failed = { event: "failed", id, attempts, error: String(error) };
      console.error(JSON.stringify(failed));
      message.retry();
    }
  }
}
// --8<-- [end:right]

function check({ cents }: Payment): void {
  if (!Number.isInteger(cents) || cents <= 0)
    throw new Error("an amount is a whole number above 0");
}

async function keep(batch: MessageBatch<Payment>, db: D1Database): Promise<void> {
  for (const { body } of batch.messages) {
    console.error(JSON.stringify({ event: "dead_letter", payment: body.id }));
    await db.prepare("INSERT OR IGNORE INTO kept (payment) VALUES (?)").bind(body.id).run();
  }
}

export default {
  fetch: () => nothingHere(),
  async queue(batch, env) {
    if (batch.queue === "careless") return careless(batch, env.DB);
    if (batch.queue === "careful") return careful(batch, env.DB);
    return keep(batch, env.DB);
  },
} satisfies ExportedHandler<Env, Payment>;

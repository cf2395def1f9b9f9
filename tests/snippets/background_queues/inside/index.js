// Calls parts of the example with what no caller can send: other secrets, and a batch that records its answers.
import { requireOwner } from "../../../../snippets/background-queues/src/auth";
import { consume } from "../../../../snippets/background-queues/src/consumer";
import { consumeDead } from "../../../../snippets/background-queues/src/dead";
import { requireSecrets } from "../../../../snippets/background-queues/src/secrets";

const STRONG = "strong-enough-".repeat(3);

const parts = {
  async owner(_, token, keys) {
    const request = new Request("https://jobs.example", { headers: { Authorization: `Bearer ${token}` } });
    try {
      const provider = { PROVIDER_TOKEN: STRONG, PROVIDER_URL: "https://mail.example.com" };
      requireSecrets({ API_KEYS: keys, ADMIN_TOKEN: STRONG, ...provider }, "inside");
      return await requireOwner(request, keys);
    } catch (error) {
      return `${error.status}: ${error.code}`;
    }
  },
  /** Returns for each message what was called, and the state of its job at that time. */
  async consume(env, dead, bodies, variables) {
    const state = (id) =>
      env.DB.prepare("SELECT state FROM jobs WHERE id = ?")
        .bind(id ?? null)
        .first("state");
    const messages = bodies.map((body, n) => {
      const answers = [];
      const note = (name) => () => answers.push(state(body.id).then((found) => [name, found]));
      return { id: `recorded-${n}`, body, attempts: 1, ack: note("ack"), retry: note("retry"), answers };
    });
    await (dead ? consumeDead : consume)({ messages }, { ...env, ...variables });
    return Promise.all(messages.map(({ answers }) => Promise.all(answers)));
  },
  async terminate(env, id) {
    await (await env.ONBOARDING.get(id)).terminate();
  },
};

export default {
  async fetch(request, env) {
    const { part, parameters } = await request.json();
    return Response.json((await parts[part](env, ...parameters)) ?? null);
  },
};

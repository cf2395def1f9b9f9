// Serves Wrangler's createTestHarness to pytest: one JSON request a line on standard input, one JSON reply a line on
// the file descriptor named last. When standard input closes, also because Python died, everything started here is stopped.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { writeSync } from "node:fs";

const { createTestHarness, experimental_generateTypes } = createRequire(process.argv[2])("wrangler");
const running = new Map();
const runtimeTypes = new Map();
let next = 1;

const worker = ({ example, worker }) => {
  const harness = running.get(example);
  if (!harness) throw new Error(`example ${example} is not running`);
  return worker ? harness.getWorker(worker) : harness.getWorker();
};

const operations = {
  async start({ workers, environment }) {
    const harness = createTestHarness({ workers });
    try {
      // Wrangler reads the addresses of databases from its environment, when it reads the configuration.
      Object.assign(process.env, environment);
      const { url } = await harness.listen();
      const vars = JSON.stringify(workers[0].vars ?? {});
      if (vars.includes("{url}")) {
        // The port is known only now.
        const known = JSON.parse(vars.replaceAll("{url}", url.origin));
        await harness.update({ workers: [{ ...workers[0], vars: known }, ...workers.slice(1)] });
      }
      running.set(next, harness);
      return { example: next++, url: url.origin };
    } catch (error) {
      await harness.close().catch(() => {});
      throw error;
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
    }
  },
  async stop({ example }) {
    const harness = running.get(example);
    running.delete(example);
    await harness?.close();
  },
  // Ends workerd at once and starts it again: what is on disk stays, what was in memory or on its way is gone.
  async crash({ example }) {
    const harness = running.get(example);
    await harness.update((options) => ({ ...options }));
  },
  async logs({ example }) {
    // What workerd printed is in its pipe, but perhaps not read yet: the event loop looks there once a turn.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    return running
      .get(example)
      .getLogs()
      .map(({ level, message }) => `${level}: ${message}`);
  },
  async scheduled(request) {
    const { cron, time } = request;
    return worker(request).scheduled({ cron, scheduledTime: time ? new Date(time) : new Date() });
  },
  async migrate(request) {
    await worker(request).applyD1Migrations(request.binding);
  },
  async sql(request) {
    const storage = await worker(request).getDurableObjectStorage(request.object, { name: request.name });
    return storage.exec(request.query, ...request.parameters);
  },
  async evict(request) {
    await worker(request).evictDurableObject(request.object, {
      name: request.name,
      webSockets: request.sockets ?? "hibernate",
    });
  },
  async objects(request) {
    return worker(request).listDurableObjectIds(request.object);
  },
  async call(request) {
    const env = await worker(request).getEnv();
    return env[request.binding][request.method](...request.parameters);
  },
  async workflow(request) {
    const env = await worker(request).getEnv();
    return (await env[request.binding].get(request.instance)).status();
  },
  async d1(request) {
    const env = await worker(request).getEnv();
    return (
      await env[request.binding]
        .prepare(request.query)
        .bind(...request.parameters)
        .all()
    ).results;
  },
  async fetch(request) {
    const { url, init } = request;
    const response = await worker(request).fetch(url, init);
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  },
  async types({ config, date, path = config[0].replace(/wrangler\.toml$/, "worker-configuration.d.ts") }) {
    if (!runtimeTypes.has(date))
      runtimeTypes.set(date, (await experimental_generateTypes({ config: config[0], includeEnv: false })).runtime);
    const { env } = await experimental_generateTypes({ config, includeRuntime: false, path });
    return { env, content: `${env}\n${runtimeTypes.get(date)}` };
  },
};

const reply = (message) => writeSync(Number(process.argv[3]), `${JSON.stringify(message)}\n`);

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const { id, operation, ...request } = JSON.parse(line);
  try {
    reply({ id, result: (await operations[operation](request)) ?? null });
  } catch (error) {
    const causes = [];
    for (let e = error; e; e = e.cause) causes.push(e.message ?? String(e));
    console.log(`end of ${id}`);
    reply({ id, error: causes.join("\n") });
  }
});
lines.on("close", async () => {
  await Promise.allSettled([...running.values()].map((harness) => harness.close()));
  process.exit(0);
});
reply({ ready: true });

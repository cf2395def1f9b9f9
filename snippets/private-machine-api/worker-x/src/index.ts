const KEEP_OPEN_MS = 30 * 24 * 60 * 60 * 1000;

// --8<-- [start:nightly]
export default {
  async scheduled(controller, env) {
    const expired = await env.ORDERS.expire(controller.scheduledTime - KEEP_OPEN_MS);
    console.log(JSON.stringify({ event: "orders expired", expired }));
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:nightly]

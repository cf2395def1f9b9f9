import { consume } from "./consumer";
import { consumeDead } from "./dead";
import { errorResponse, requestId } from "./http";
import { route } from "./routes";
import { sweep } from "./sweep";

export { Onboarding } from "./onboarding";

// --8<-- [start:handler]
export default {
  async fetch(request, env) {
    const id = requestId(request);
    return route(request, env, id).catch((error: unknown) => errorResponse(error, id));
  },
  async queue(batch, env) {
    await (batch.queue === "jobs-dead" ? consumeDead(batch, env) : consume(batch, env));
  },
  async scheduled(_, env) {
    await sweep(env);
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

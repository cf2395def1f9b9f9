import { errorResponse, HttpError } from "./errors";
import { failOver } from "./failover";
import { readSettings } from "./origins";

// --8<-- [start:handler]
export default {
  async fetch(request, env, ctx) {
    const requestId = request.headers.get("CF-Ray") ?? crypto.randomUUID();
    try {
      if (request.headers.has("Upgrade"))
        throw new HttpError(501, "no_websockets", "This address does not take WebSockets.");
      const { origin, response } = await failOver(request, readSettings(env), ctx);
      const answer = new Response(response.body, response);
      answer.headers.set("X-Origin", origin.name);
      return answer;
    } catch (error) {
      return errorResponse(error, requestId);
    }
  },
} satisfies ExportedHandler<Env>;
// --8<-- [end:handler]

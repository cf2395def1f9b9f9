// Puts the gateway's own class within a test's reach, so that a nonce can expire now instead of in six minutes.
export { Nonces } from "../../../../snippets/private-machine-api/gateway/src/nonces";

export default {
  async fetch(request, _env, ctx) {
    const { searchParams } = new URL(request.url);
    const nonces = ctx.exports.Nonces.getByName(searchParams.get("key"));
    return Response.json(await nonces.accept(searchParams.get("nonce"), Number(searchParams.get("expires"))));
  },
};

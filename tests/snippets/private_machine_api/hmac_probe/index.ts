// Puts parts of the gateway within a test's reach: its nonces, so that one can expire now instead of in six minutes, and
// its check of a signature, so that one can see what it does and in which order.
import { Refusal } from "../../../../snippets/private-machine-api/gateway/src/errors";
import { byHmac } from "../../../../snippets/private-machine-api/gateway/src/proofs/hmac";

export { Nonces } from "../../../../snippets/private-machine-api/gateway/src/nonces";

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/") return Response.json(await watched(request, env, ctx));
    const nonces = ctx.exports.Nonces.getByName(searchParams.get("key"));
    const nonce = searchParams.get("nonce");
    const had = await nonces.has(nonce);
    return Response.json({ had, stored: await nonces.accept(nonce, Number(searchParams.get("expires"))) });
  },
};

async function watched(request, env, ctx) {
  const steps = [];
  const body = () => {
    steps.push("read the body");
    return request.arrayBuffer();
  };
  const noncesOf = (keyId) => {
    const nonces = ctx.exports.Nonces.getByName(keyId);
    const step = (name, does) => {
      steps.push(name);
      return does;
    };
    return {
      has: (nonce) => step("look for the nonce", nonces.has(nonce)),
      accept: (nonce, expiresS) => step("store the nonce", nonces.accept(nonce, expiresS)),
    };
  };
  try {
    return { steps, caller: await byHmac(request, env, body, noncesOf) };
  } catch (error) {
    if (error instanceof Refusal) return { steps, refused: error.reason };
    throw error;
  }
}

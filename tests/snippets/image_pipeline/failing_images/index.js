// Stands in for the Images binding and fails as the real one does: an error with a code. The width picks the fault.
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

const FAULTS = {
  320: { code: 9422, message: "IMAGES_TRANSFORM_ERROR 9422: Free unique transformations are exhausted on node-7.internal" },
  640: { code: 9522, message: "IMAGES_TRANSFORM_ERROR 9522: The service in this colo is too busy" },
  960: { code: 9516, message: "IMAGES_TRANSFORM_ERROR 9516: error during decoding" },
};

class Transformer extends RpcTarget {
  #width;
  transform({ width }) {
    this.#width = width;
    return this;
  }
  output() {
    const { code, message } = FAULTS[this.#width] ?? FAULTS[960];
    throw Object.assign(new Error(message), { code });
  }
}

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  input() {
    return new Transformer();
  }
  info() {
    throw Object.assign(new Error(FAULTS[640].message), { code: 9522 });
  }
}

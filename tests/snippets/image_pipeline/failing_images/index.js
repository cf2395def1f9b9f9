// Stands in for the Images binding and fails as the real one does: an error with a code. The width picks the fault.
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

const FAULTS = {
  160: {
    code: 9422,
    message: "IMAGES_TRANSFORM_ERROR 9422: Free unique transformations are exhausted on node-7.internal",
  },
  320: {
    code: 9422,
    message: "IMAGES_TRANSFORM_ERROR 9422: Free unique transformations are exhausted on node-7.internal",
  },
  640: { code: 9522, message: "IMAGES_TRANSFORM_ERROR 9522: The service in this colo is too busy" },
  960: { code: 9516, message: "IMAGES_TRANSFORM_ERROR 9516: error during decoding" },
  1280: { code: 9523, message: "Unexpected error response 503: node-7.internal" },
  1920: { message: "Network connection lost." },
};

class Transformer extends RpcTarget {
  #width;
  transform({ width }) {
    this.#width = width;
    return this;
  }
  output() {
    const { code, message } = FAULTS[this.#width] ?? FAULTS[960];
    throw Object.assign(new Error(message), code && { code });
  }
}

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response(null, { status: 404 });
  }
  input() {
    return new Transformer();
  }
  /** A JPEG finds the service busy; a PNG is measured and gets as far as the trial. */
  async info(stream) {
    const [first] = new Uint8Array(await new Response(stream).arrayBuffer());
    if (first === 0xff) throw Object.assign(new Error(FAULTS[640].message), { code: 9522 });
    return { format: "image/png", fileSize: 1000, width: 400, height: 300 };
  }
}

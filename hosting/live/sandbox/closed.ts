// Imported first, so that no line of an example runs before it. An ordinary Worker has no setting that closes the way out:
// this takes away what code can reach without an import, and a test refuses bundles that import another way.
function closed(): never {
  throw new Error("This sandbox has no way out.");
}

for (const name of ["fetch", "WebSocket", "EventSource", "caches"]) {
  const taken =
    name === "caches"
      ? {
          open: closed,
          get default() {
            return closed();
          },
        }
      : closed;
  Object.defineProperty(globalThis, name, { value: taken, writable: false, configurable: false });
}

// --8<-- [start:pac]
// For devices without the client. Put in your endpoint (Zero Trust, proxy endpoints).
function FindProxyForURL(url, host) {
  var GATEWAY = "HTTPS 0000000000.proxy.cloudflare-gateway.com:443";
  // The office's own names and addresses never leave it.
  if (isPlainHostName(host) || dnsDomainIs(host, ".internal.example.com")) return "DIRECT";
  if (isInNet(host, "10.0.0.0", "255.0.0.0")) return "DIRECT";
  if (isInNet(host, "127.0.0.0", "255.0.0.0")) return "DIRECT";
  // The sign-in itself must not need the proxy that it opens.
  if (dnsDomainIs(host, ".cloudflareaccess.com")) return "DIRECT";
  // No DIRECT behind it: when Gateway is away, the web is away, and nobody is unfiltered.
  return GATEWAY;
}
// --8<-- [end:pac]

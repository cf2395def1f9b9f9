// --8<-- [start:pac]
// For devices without the client. Put in your endpoint (Zero Trust, proxy endpoints).
function FindProxyForURL(url, host) {
  var GATEWAY = "HTTPS 0000000000.proxy.cloudflare-gateway.com:443";
  // The sign-in itself must not need the proxy that it opens: your team's address, and every
  // host that your identity provider's sign-in page loads.
  var SIGN_IN = [
    "your-team.cloudflareaccess.com",
    "login.example.com",
    "assets.login.example.com",
  ];
  // The office's own names and addresses never leave it. An IPv6 address has no dot either.
  var isIpv6 = host.indexOf(":") >= 0;
  if (!isIpv6 && isPlainHostName(host)) return "DIRECT";
  if (dnsDomainIs(host, ".internal.example.com")) return "DIRECT";
  // Only for addresses: with a name, isInNet would wait for DNS, for every request.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) {
    if (isInNet(host, "10.0.0.0", "255.0.0.0")) return "DIRECT";
    if (isInNet(host, "127.0.0.0", "255.0.0.0")) return "DIRECT";
  }
  for (var i = 0; i < SIGN_IN.length; i++) if (host === SIGN_IN[i]) return "DIRECT";
  // No DIRECT behind it: when Gateway is away, the web is away, and nobody is unfiltered.
  return GATEWAY;
}
// --8<-- [end:pac]

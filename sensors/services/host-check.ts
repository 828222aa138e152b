/**
 * Against DNS rebinding: a page of a stranger's site, opened in a member's browser, can make its own host name resolve
 * to this node and read the answers as its own. The browser says the name in `Host`, so only our own are answered.
 */

/** Tells whether a request's host name (as in a URL) is one of the node's addresses, its name or `<name>.local`. */
export function hostCheck(name: string, addresses: () => readonly string[]): (hostname: string) => boolean {
  const names = [name, `${name}.local`].map((own) => own.toLowerCase());
  return (hostname) => {
    const asked = hostname.toLowerCase().replace(/\.$/, '');
    return names.includes(asked) || addresses().some((address) => urlHost(address) === asked);
  };
}

/** An address as URLs have it: `[fd12::7]`, in the one form that the URL standard gives an IPv6 address. */
function urlHost(address: string): string {
  const url = `http://${address.includes(':') ? `[${address}]` : address}/`;
  return URL.canParse(url) ? new URL(url).hostname : address;
}

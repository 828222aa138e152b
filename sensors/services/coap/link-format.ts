/** `/.well-known/core`: what there is, in CoRE link format (RFC 6690), filtered by a query where one is given. */

export interface CoreLink {
  path: string;
  /** `rt`, `if`, `ct`, `title`; an attribute without a value stands alone (`obs`). */
  attributes: Readonly<Record<string, string | null>>;
}

export function linkFormat(links: readonly CoreLink[], query: readonly string[]): string {
  return links
    .filter((link) => query.every((filter) => matches(link, filter)))
    .map(({ path, attributes }) => [`<${path}>`, ...Object.entries(attributes).map(attribute)].join(';'))
    .join(',');
}

/** RFC 6690 section 4.1: one `name=value`, of a list any value, with `*` at its end a prefix. */
function matches({ path, attributes }: CoreLink, filter: string): boolean {
  const at = filter.indexOf('=');
  const name = at < 0 ? filter : filter.slice(0, at);
  const wanted = at < 0 ? '' : filter.slice(at + 1);
  const values = name === 'href' ? [path] : (attributes[name]?.split(' ') ?? []);
  const prefix = wanted.endsWith('*') ? wanted.slice(0, -1) : null;
  return values.some((value) => (prefix === null ? value === wanted : value.startsWith(prefix)));
}

function attribute([name, value]: [string, string | null]): string {
  // A sensor's name comes from the kernel or from a config: it must not end its own quotes.
  return value === null ? name : `${name}="${value.replace(/["\\]/g, "'")}"`;
}

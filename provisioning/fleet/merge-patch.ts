/** JSON Merge Patch (RFC 7396): objects are joined, null removes, everything else takes the place of what was there. */

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    // defineProperty: a key `__proto__` out of a file is a key like any other.
    else Object.defineProperty(merged, key, { ...PLAIN, value: mergePatch(merged[key], value) });
  }
  return merged;
}

const PLAIN = { configurable: true, enumerable: true, writable: true };

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

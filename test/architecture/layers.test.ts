import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Layers from the ground up. A file may import from its own area and from any area listed for it, with the reason. */
const AREAS: ReadonlyArray<{ path: RegExp; area: string }> = [
  { path: /^agent\/errors\.ts$/, area: 'errors' },
  { path: /^agent\/wire\//, area: 'wire' },
  { path: /^agent\/trust\//, area: 'trust' },
  { path: /^agent\/ports\//, area: 'ports' },
  { path: /^agent\/overlay\//, area: 'overlay' },
  { path: /^agent\/links\//, area: 'links' },
  { path: /^agent\/signalling\//, area: 'signalling' },
  { path: /^agent\/control\//, area: 'control' },
  { path: /^provisioning\/documents\//, area: 'documents' },
  { path: /^provisioning\/device\//, area: 'device' },
  { path: /^provisioning\/fleet\//, area: 'fleet' },
  { path: /^sensors\//, area: 'sensors' },
  { path: /^agent\/adapters\//, area: 'adapters' },
  { path: /^agent\/compose[^/]*\.ts$/, area: 'compose' },
  { path: /^agent\/(main\.ts|cli\/)/, area: 'main' },
  { path: /^image-build\//, area: 'image' },
];

const GROUND = ['errors', 'wire', 'trust', 'ports'];
const DOMAIN = ['overlay', 'links', 'signalling', 'control', 'documents', 'device', 'fleet', 'sensors'];

const ALLOWED: Readonly<Record<string, { may: readonly string[]; why: string }>> = {
  errors: { may: [], why: 'everything may throw, so errors know nothing' },
  wire: { may: ['errors'], why: 'bytes and names only: testable by golden vectors' },
  trust: { may: ['errors', 'wire'], why: 'signatures are checked below whoever relies on them' },
  ports: { may: ['errors', 'wire'], why: 'a port says what is needed, not who needs it' },
  overlay: { may: GROUND, why: 'frames are decided on without knowing how links are made' },
  signalling: { may: GROUND, why: 'signals are carried without knowing what they negotiate' },
  links: { may: [...GROUND, 'signalling'], why: 'links are negotiated through signals, and know no frames' },
  control: { may: GROUND, why: 'the control API sees the agent through its own interface only' },
  documents: { may: GROUND, why: 'both sides of provisioning read the same formats' },
  device: {
    may: [...GROUND, 'documents'],
    why: 'a device can be provisioned without a datapath, and holds no fleet keys',
  },
  fleet: { may: [...GROUND, 'documents'], why: 'what the owner runs is no part of a device' },
  sensors: { may: GROUND, why: 'sensors run without an overlay, and the datapath never waits for one' },
  adapters: { may: GROUND, why: 'an adapter serves a port, and no domain' },
  compose: { may: [...GROUND, ...DOMAIN, 'adapters'], why: 'the only place that joins the parts' },
  image: {
    may: [...GROUND, 'documents', 'fleet', 'adapters', 'main'],
    why: 'a program of its own on the owner’s computer: it runs like the other commands, and is no part of a device',
  },
  main: { may: [...GROUND, ...DOMAIN, 'adapters', 'compose'], why: 'argv, signals and exit codes' },
};

/** Modules of Node that touch the machine: only adapters, compose and main may (crypto: trust, wire, provisioning too). */
const MACHINE = /^node:(fs|net|child_process|dgram|http|os|tls|dns|worker_threads)/;
/** One npm package is known by one adapter (or by the schema or trust file that is named here). */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  'node-datachannel': ['agent/adapters/'],
  mqtt: ['agent/adapters/'],
  aedes: ['agent/adapters/'],
  '@hpke/core': ['agent/adapters/'],
  hono: ['sensors/', 'agent/control/', 'agent/adapters/'],
  '@hono/node-server': ['agent/adapters/'],
  systeminformation: ['agent/adapters/'],
  onoff: ['agent/adapters/'],
  valibot: [
    'image-build/',
    'agent/wire/',
    'provisioning/',
    'sensors/',
    'agent/control/',
    'agent/links/',
    'agent/signalling/',
  ],
  cborg: ['sensors/services/'],
  '@sigstore/core': ['agent/trust/'],
  'ipaddr.js': ['provisioning/', 'agent/wire/'],
  commander: ['agent/main.ts', 'agent/cli/', 'image-build/'],
  'csv-parse': ['image-build/card/'],
  'cli-table3': ['agent/cli/', 'test/'],
};

const root = new URL('../..', import.meta.url).pathname;

function sourceFiles(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const files = ['agent', 'provisioning', 'sensors', 'image-build'].flatMap(sourceFiles);

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [
    ...text.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gms),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function areaOf(file: string): string | undefined {
  return AREAS.find((entry) => entry.path.test(file))?.area;
}

/** Each broken rule as one sentence; exported shape is a function so that the test of the test can feed it an edge. */
function violations(file: string, specifiers: readonly string[]): string[] {
  const area = areaOf(file);
  const rule = area === undefined ? undefined : ALLOWED[area];
  if (!rule) return [`${file} is in no layer: add it to AREAS`];
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith('.')) {
      const target = normalize(join(dirname(file), specifier));
      const to = areaOf(target);
      const fine = to !== undefined && (to === area || rule.may.includes(to));
      return fine ? [] : [`${file} imports ${target}: ${area} may not import ${to} (${rule.why})`];
    }
    if (specifier.startsWith('node:')) {
      const free = ['adapters', 'compose', 'main', 'image'].includes(area ?? '');
      return MACHINE.test(specifier) && !free
        ? [`${file} imports ${specifier}: only adapters touch the machine`]
        : [];
    }
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    const homes = PACKAGE_HOMES[name];
    if (!homes) return [`${file} imports ${name}, which has no home in PACKAGE_HOMES`];
    return homes.some((home) => file.startsWith(home))
      ? []
      : [`${file} imports ${name}, whose home is ${homes}`];
  });
}

describe('layers', () => {
  it('has files to look at', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files)('%s imports downwards only', (file) => {
    expect(violations(file, importsOf(file))).toEqual([]);
  });

  it('notices a broken edge', () => {
    expect(violations('sensors/sampler.ts', ['../agent/links/link.ts'])).toHaveLength(1);
    expect(violations('agent/wire/arp.ts', ['../ports/clock.ts'])).toHaveLength(1);
    expect(violations('agent/overlay/x.ts', ['node:fs', 'mqtt', '../adapters/y.ts'])).toHaveLength(3);
    expect(violations('agent/unplaced.ts', [])).toHaveLength(1);
  });

  it('has no folder for odds and ends, and no barrel', () => {
    expect(
      files.filter((file) => /\/(utils|lib|common|helpers)\//.test(file) || file.endsWith('/index.ts')),
    ).toEqual([]);
  });
});

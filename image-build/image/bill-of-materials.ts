/** The software bill of materials of an image, in the form of CycloneDX 1.6: what is installed, from whom, which version. */
import type { Board } from './board.ts';
import type { LockedPackage } from './package-lock.ts';

export interface BillFacts {
  readonly board: Board;
  readonly version: string;
  readonly epoch: number;
  /** dpkg's status file of the finished tree. */
  readonly dpkgStatus: string;
  readonly locked: readonly LockedPackage[];
  /** What the agent's package holds of npm. */
  readonly npm: ReadonlyArray<{ name: string; version: string; license: string }>;
}

/** The same facts give the same bytes. */
export function billOfMaterials(facts: BillFacts): string {
  const hashes = new Map(facts.locked.map((one) => [`${one.name} ${one.version}`, one.sha256]));
  const debian = installedPackages(facts.dpkgStatus).map(({ name, version, architecture, source }) => {
    const sha256 = hashes.get(`${name} ${version}`);
    return {
      type: 'library',
      name,
      version,
      purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-13`,
      ...(sha256 === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: sha256 }] }),
      properties: [{ name: 'debian:source', value: source }],
    };
  });
  const npm = facts.npm.map(({ name, version, license }) => ({
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [{ expression: license }],
  }));
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(facts.epoch * 1000).toISOString(),
      component: { type: 'operating-system', name: `tincan-${facts.board.name}`, version: facts.version },
    },
    components: [...debian, ...npm],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

interface InstalledPackage {
  name: string;
  version: string;
  architecture: string;
  source: string;
}

/** The paragraphs of dpkg's status file whose packages are installed. */
export function installedPackages(status: string): InstalledPackage[] {
  return status
    .split('\n\n')
    .map(
      (paragraph) =>
        new Map([...paragraph.matchAll(/^([A-Za-z-]+): (.*)$/gm)].map(([, key, text]) => [key, text])),
    )
    .filter((fields) => fields.get('Status') === 'install ok installed')
    .map((fields) => ({
      name: fields.get('Package') ?? '',
      version: fields.get('Version') ?? '',
      architecture: fields.get('Architecture') ?? '',
      source: fields.get('Source') ?? fields.get('Package') ?? '',
    }));
}

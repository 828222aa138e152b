/** Every system that the benchmark knows. */
import type { SystemName } from '../bench-options.ts';
import type { BenchSystem } from './bench-system.ts';
import { direct } from './direct.ts';
import { fastd } from './fastd.ts';
import { n2n } from './n2n.ts';
import { nebula } from './nebula.ts';
import { tinc } from './tinc.ts';
import { tincan } from './tincan.ts';
import { wireguardGo } from './wireguard-go.ts';

export const SYSTEMS: Readonly<Record<SystemName, () => BenchSystem>> = {
  tincan,
  direct: () => direct,
  'wireguard-go': () => wireguardGo,
  nebula: () => nebula,
  fastd: () => fastd,
  tinc: () => tinc,
  n2n: () => n2n,
};

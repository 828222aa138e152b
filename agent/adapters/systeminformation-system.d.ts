/** Types of the one file of systeminformation that the bundle carries: 50 kB instead of 310 kB for the whole package. */
declare module 'systeminformation/lib/system.js' {
  import type { Systeminformation } from 'systeminformation';
  export function system(): Promise<Systeminformation.SystemData>;
}

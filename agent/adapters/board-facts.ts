/**
 * Model and operating system of the board. The device tree (Raspberry Pi) or the firmware's DMI table (PCs) names the
 * model for the price of reading a file; systeminformation is asked only where neither exists, because it starts
 * several processes and blocks on some of them.
 */
import { sentenceOf } from '../errors.ts';
import type { BoardFacts } from '../ports/board-facts.ts';
import type { Log } from '../ports/log.ts';
import type { Sysfs } from '../ports/sysfs.ts';

const DEVICE_TREE_MODELS = ['/proc/device-tree/model', '/sys/firmware/devicetree/base/model'];
const DMI = '/sys/class/dmi/id';
const OS_RELEASES = ['/etc/os-release', '/usr/lib/os-release'];
/** What firmware makers leave in the DMI table when they fill in nothing, and what systeminformation says then. */
const PLACEHOLDER =
  /^(|-|n\/?a|none|unknown|computer|default string|not (specified|applicable)|system (product name|manufacturer)|(to be )?filled by o\.?e\.?m\.?|o\.?e\.?m\.?)$/i;

/** Each fact is found out once, when it is first asked for. */
export class LinuxBoardFacts implements BoardFacts {
  readonly #sysfs: Sysfs;
  readonly #log: Log;
  #model: Promise<string | null> | null = null;
  #os: Promise<string | null> | null = null;

  constructor(sysfs: Sysfs, log: Log) {
    this.#sysfs = sysfs;
    this.#log = log;
  }

  model(): Promise<string | null> {
    this.#model ??= this.#findModel();
    return this.#model;
  }

  os(): Promise<string | null> {
    this.#os ??= this.#findOs();
    return this.#os;
  }

  async #findModel(): Promise<string | null> {
    for (const path of DEVICE_TREE_MODELS) {
      const model = meaningful(await this.#read(path));
      if (model) return model;
    }
    const vendor = meaningful(await this.#read(`${DMI}/sys_vendor`));
    const product =
      meaningful(await this.#read(`${DMI}/product_name`)) ??
      meaningful(await this.#read(`${DMI}/board_name`));
    return joined(vendor, product) ?? this.#askSystemInformation();
  }

  async #askSystemInformation(): Promise<string | null> {
    try {
      const { system } = await import('systeminformation/lib/system.js');
      const { manufacturer, model } = await system();
      return joined(meaningful(manufacturer), meaningful(model));
    } catch (error) {
      this.#log.warn('board.model-unknown', { problem: sentenceOf(error) });
      return null;
    }
  }

  async #findOs(): Promise<string | null> {
    for (const path of OS_RELEASES) {
      const name = prettyName((await this.#read(path)) ?? '');
      if (name) return name;
    }
    const release = await this.#read('/proc/sys/kernel/osrelease');
    return release ? `Linux ${release}` : null;
  }

  /** A fact that cannot be read is one that is not known; the next source is asked. */
  async #read(path: string): Promise<string | null> {
    try {
      return await this.#sysfs.read(path);
    } catch (error) {
      this.#log.debug('board.unreadable', { path, problem: sentenceOf(error) });
      return null;
    }
  }
}

function meaningful(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  return PLACEHOLDER.test(trimmed) ? null : trimmed;
}

/** Some vendors repeat their name in the product's. */
function joined(vendor: string | null, product: string | null): string | null {
  if (!vendor || !product) return product ?? vendor;
  return product.toLowerCase().startsWith(vendor.toLowerCase()) ? product : `${vendor} ${product}`;
}

/** PRETTY_NAME of os-release(5): a shell assignment, quoted or not, with backslash escapes inside double quotes. */
function prettyName(osRelease: string): string | null {
  const value = /^PRETTY_NAME=(.*)$/m.exec(osRelease)?.[1]?.trim() ?? '';
  const quoted = /^"(.*)"$|^'(.*)'$/.exec(value);
  const text = quoted ? (quoted[1]?.replace(/\\(["$`\\])/g, '$1') ?? quoted[2] ?? '') : value;
  return text === '' ? null : text;
}

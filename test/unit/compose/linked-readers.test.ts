import { describe, expect, it } from 'vitest';
import { LinkedReaders } from '../../../agent/compose-readers.ts';
import { Refusal } from '../../../agent/errors.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';

function member(name: string, host: number, ...tags: string[]): Membership {
  return {
    nodeId: `node-${name}`,
    name,
    ip4: `10.64.0.${host}`,
    ip6: `fd12::${host}`,
    tags,
    publicKey: new Uint8Array(32),
    sealingKey: new Uint8Array(32),
    serial: 1,
    certificate: new Uint8Array(),
  };
}

const OWN = member('greenhouse', 7, 'sensor');
const LAPTOP = member('laptop', 2, 'operator');

/** Links that are up, in order of their slots, and what the directory says today. */
function setUp(links: Membership[], known: Membership[]) {
  const requested: string[] = [];
  const find = async (is: (of: Membership) => boolean) => known.find(is) ?? null;
  const readers = new LinkedReaders({
    own: OWN,
    directory: {
      byIp4: (address) => find(({ ip4 }) => ip4 === address),
      byIp6: (address) => find(({ ip6 }) => ip6 === address),
      byNodeId: (id) => find(({ nodeId }) => nodeId === id),
    },
    links: {
      upSlots: () => links.map((_, slot) => slot),
      memberAt: (slot) => links[slot] ?? null,
      request: ({ name }) => {
        requested.push(name);
        if (name === 'unlucky') throw new Refusal('no-free-slot', 'no slot is free');
        return 0;
      },
    },
  });
  return { readers, requested };
}

describe('linked readers', () => {
  it.each(['10.64.0.2', 'fd12::2', '::ffff:10.64.0.2'])(
    'know the member of a link at %s',
    async (address) => {
      const { readers } = setUp([LAPTOP], [LAPTOP]);
      expect(await readers.readerAt(address)).toMatchObject({
        nodeId: 'node-laptop',
        name: 'laptop',
        tags: ['operator'],
      });
    },
  );

  it('take the tags of today, not those of the time when the link was made', async () => {
    const { readers } = setUp([LAPTOP], [member('laptop', 2)]);
    expect((await readers.readerAt('10.64.0.2'))?.tags).toEqual([]);
  });

  it('ask the directory where no link is up any more', async () => {
    const { readers } = setUp([], [LAPTOP]);
    expect((await readers.readerAt('10.64.0.2'))?.name).toBe('laptop');
    expect((await readers.readerAt('fd12::2'))?.name).toBe('laptop');
  });

  it('go by the link, and not by who has the address in the directory now', async () => {
    // The address moved to the tablet, while the laptop's link with it is still up.
    const { readers } = setUp([LAPTOP], [member('tablet', 2, 'operator'), member('laptop', 3)]);
    expect(await readers.readerAt('10.64.0.2')).toBeNull();
  });

  it('know nobody at an address that two links have, that nobody has, or of a member that is none any more', async () => {
    const both = setUp([LAPTOP, member('impostor', 2)], [LAPTOP]);
    expect(await both.readers.readerAt('10.64.0.2')).toBeNull();
    const { readers } = setUp([LAPTOP], []);
    for (const address of ['10.64.0.2', '10.64.0.99', 'fe80::1%tap0', '', 'x'])
      expect(await readers.readerAt(address)).toBeNull();
  });

  it('know the node itself, which is always there', async () => {
    const { readers } = setUp([], [OWN]);
    const self = await readers.readerAt('10.64.0.7');
    expect(self).toMatchObject({ name: 'greenhouse', tags: ['sensor'] });
    expect(self?.isPresent()).toBe(true);
  });

  it('ask for the link of a member that is away, which may only have been idle', async () => {
    const links = [LAPTOP];
    const { readers, requested } = setUp(links, [LAPTOP]);
    const reader = await readers.readerAt('10.64.0.2');
    expect(reader?.isPresent()).toBe(true);
    expect(requested).toEqual([]);
    links.pop();
    expect(reader?.isPresent()).toBe(false);
    expect(requested).toEqual(['laptop']);
  });

  it('take a link that cannot be asked for as absence', async () => {
    const { readers } = setUp([], [member('unlucky', 5)]);
    expect((await readers.readerAt('10.64.0.5'))?.isPresent()).toBe(false);
  });
});

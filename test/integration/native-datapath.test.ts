/** What the real datapath does beyond the port's contract: its device, its faults, its arguments, its end. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { openNativeDatapath } from '../../agent/adapters/native-datapath.ts';
import { EnvironmentFault, UsageError } from '../../agent/errors.ts';
import type { DatapathEvent, DatapathOptions } from '../../agent/ports/datapath.ts';
import { insideNamespace, namespaceProblem, runInNamespace } from '../fakes/network-namespace.ts';

const file = fileURLToPath(import.meta.url);
const MTU_BYTES = 1280;
const MAC = '02:00:00:00:00:0a';

function optionsWith(changes: Partial<DatapathOptions> = {}): DatapathOptions {
  return {
    tapName: 'tap-a',
    mac: MAC,
    mtuBytes: MTU_BYTES,
    ip4: { address: '10.64.0.1', prefixLength: 24 },
    ip6: { address: 'fd0a::1', prefixLength: 64 },
    udpPort: 0,
    ...changes,
  };
}

function faultOf(changes: Partial<DatapathOptions>): unknown {
  try {
    const datapath = openNativeDatapath(optionsWith(changes), () => undefined);
    void datapath.close();
    return null;
  } catch (error) {
    return error;
  }
}

if (insideNamespace) {
  describe('NativeDatapath', () => {
    it('has IPv6 and the number that it asked for', async () => {
      const datapath = openNativeDatapath(optionsWith({ tapName: 'tin%d' }), () => undefined);
      expect(datapath.tapName).toBe('tin0');
      expect(datapath.ip6Configured).toBe(true);
      const addresses = execFileSync('ip', ['address', 'show', 'tin0'], { encoding: 'utf8' });
      for (const part of [`mtu ${MTU_BYTES}`, MAC, '10.64.0.1/24', 'fd0a::1/64', ',UP,']) {
        expect(addresses).toContain(part);
      }
      await datapath.close();
      expect(() => execFileSync('ip', ['link', 'show', 'tin0'], { stdio: 'pipe' })).toThrow();
    });

    it('gives its device back what others took, and says so when it cannot', async () => {
      const datapath = openNativeDatapath(optionsWith(), () => undefined);
      const ip = (...words: string[]) => execFileSync('ip', words, { encoding: 'utf8' });
      const device = ['dev', 'tap-a'];
      ip('link', 'set', ...device, 'address', '02:00:00:00:00:ff', 'mtu', '1400');
      ip('address', 'flush', ...device);
      ip('link', 'set', ...device, 'down');
      datapath.restoreInterface();
      const addresses = ip('address', 'show', ...device);
      for (const part of [`mtu ${MTU_BYTES}`, MAC, '10.64.0.1/24', 'fd0a::1/64', ',UP,']) {
        expect(addresses).toContain(part);
      }
      ip('link', 'delete', ...device);
      expect(() => datapath.restoreInterface()).toThrow(EnvironmentFault);
      await datapath.close();
      expect(() => datapath.restoreInterface()).toThrow(EnvironmentFault);
    });

    it('does without IPv6 where the kernel has it switched off', async () => {
      execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
      const datapath = openNativeDatapath(optionsWith(), () => undefined);
      execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=0']);
      expect(datapath.ip6Configured).toBe(false);
      await datapath.close();
    });

    it('turns every few seconds although nothing comes', async () => {
      const datapath = openNativeDatapath(optionsWith(), () => undefined);
      const before = datapath.stats().turns;
      // Two of its longest waits; what the kernel sends by itself makes it turn more often.
      await vi.waitFor(() => expect(datapath.stats().turns).toBeGreaterThan(before + 1), 15_000);
      await datapath.close();
    });

    it('says that the TAP was deleted, once', async () => {
      const events: DatapathEvent[] = [];
      const datapath = openNativeDatapath(optionsWith(), (batch) => events.push(...batch));
      const stops = () => events.filter(({ kind }) => kind === 'stopped');
      execFileSync('ip', ['link', 'delete', 'tap-a']);
      await expect.poll(stops, { timeout: 5000 }).toHaveLength(1);
      expect(stops()[0]).toMatchObject({ problem: expect.stringContaining('tap-a') });
      expect(datapath.sendFrame(1, new Uint8Array(60))).toBe(false);
      await datapath.close();
    });

    it('sees an address in use on an interface that has no carrier', () => {
      const ip = (...words: string[]) => execFileSync('ip', words);
      ip('link', 'add', 'unplugged', 'type', 'veth', 'peer', 'name', 'far');
      ip('link', 'set', 'unplugged', 'up');
      for (const [address, says] of [
        ['10.64.0.9/24', '10.64.0.9/24 of unplugged'],
        ['fd0a::9/64', 'fd0a::9/64 of unplugged'],
      ] as const) {
        ip('address', 'add', address, 'dev', 'unplugged');
        expect(faultOf({})).toMatchObject({
          code: 'address-in-use',
          message: expect.stringContaining(says),
        });
        ip('address', 'flush', 'dev', 'unplugged');
      }
      ip('link', 'delete', 'unplugged');
      expect(faultOf({})).toBeNull();
    });

    it('names what is in use', async () => {
      const taken = openNativeDatapath(optionsWith(), () => undefined);
      const code = (changes: Partial<DatapathOptions>) => {
        const fault = faultOf(changes);
        return fault instanceof EnvironmentFault ? fault.code : fault;
      };
      const elsewhere = { ip4: { address: '10.99.0.1', prefixLength: 24 } };
      const apart = { ...elsewhere, ip6: { address: 'fd99::1', prefixLength: 64 } };
      expect(code({ tapName: 'tap-x' })).toBe('address-in-use');
      expect(code({ tapName: 'tap-x', ip4: { address: '10.64.1.1', prefixLength: 16 } })).toBe(
        'address-in-use',
      );
      expect(code({ tapName: 'tap-x', ...elsewhere })).toBe('address-in-use');
      expect(code({ ...apart })).toBe('tap-name-in-use');
      expect(code({ tapName: 'lo', ...apart })).toBe('tap-name-in-use');
      expect(code({ tapName: 'tap-x', udpPort: taken.udpPort, ...apart })).toBe('port-in-use');
      expect(code({ tapName: 'tap-x', ...apart })).toBeNull();
      await taken.close();
      const socket = createSocket('udp4');
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      expect(code({ udpPort: socket.address().port })).toBe('port-in-use');
      socket.close();
    });

    it.each(['', 'a/b', 'a b', 'sixteen-bytes-xx', 'a%sb', '%d%d', '.'])(
      'refuses the TAP name %j',
      (tapName) => {
        expect(faultOf({ tapName })).toBeInstanceOf(UsageError);
      },
    );

    it('throws TypeError or RangeError on what is no argument', async () => {
      const datapath = openNativeDatapath(optionsWith(), () => undefined);
      const junk: unknown[] = [
        undefined,
        null,
        -1,
        1024,
        0.5,
        Number.NaN,
        '1',
        {},
        [],
        () => 1,
        Symbol('s'),
        1n,
      ];
      for (const first of junk) {
        for (const second of [...junk, new Uint16Array(20), { address: 'x', port: 1 }]) {
          for (const method of [
            'setPeer',
            'removePeer',
            'addSession',
            'setPath',
            'sendFrame',
            'deliver',
            'sendProbe',
          ]) {
            const call = () =>
              Reflect.apply(Reflect.get(datapath, method), datapath, [first, second, second]);
            expect(call, `${method}(${String(first)}, ${String(second)})`).toThrow();
          }
        }
      }
      expect(datapath.stats().drops).toEqual({});
      await datapath.close();
    });

    it.each(['nothing', 'process.exit(0)', 'datapath = null; gc(); setTimeout(gc, 50)'])(
      'lets the process end by %s',
      (ending) => {
        const addon = fileURLToPath(
          new URL(`../../dist/datapath-linux-${process.arch}.node`, import.meta.url),
        );
        const script = `
          const { Datapath } = require(${JSON.stringify(addon)});
          let datapath = new Datapath(${JSON.stringify(optionsWith())}, () => {});
          setTimeout(() => { ${ending === 'nothing' ? '' : ending} }, 50);`;
        execFileSync(process.execPath, ['--expose-gc', '-e', script], { timeout: 10_000 });
      },
    );

    it('ends with its worker', () => {
      const addon = fileURLToPath(new URL(`../../dist/datapath-linux-${process.arch}.node`, import.meta.url));
      const script = `
        const { Worker, isMainThread } = require('node:worker_threads');
        const { execFileSync } = require('node:child_process');
        const inWorker = \`
          const { Datapath } = require(${JSON.stringify(addon)});
          globalThis.datapath = new Datapath(${JSON.stringify(optionsWith())}, () => {});
          setInterval(() => {}, 1000);
          require('node:worker_threads').parentPort.postMessage('open');\`;
        const worker = new Worker(inWorker, { eval: true });
        worker.on('message', async () => {
          execFileSync('ip', ['link', 'show', 'tap-a']);
          await worker.terminate();
          try { execFileSync('ip', ['link', 'show', 'tap-a'], { stdio: 'ignore' }); }
          catch { process.exit(0); }
          process.exit(9);
        });`;
      execFileSync(process.execPath, ['-e', script], { timeout: 10_000 });
    });
  });
} else {
  describe('NativeDatapath', () => {
    const problem = namespaceProblem();
    it.skipIf(problem !== null)(
      `is fit for a network namespace of its own${problem ? ` (${problem})` : ''}`,
      () => {
        const { passed, output } = runInNamespace('integration', file);
        expect(passed, output).toBe(true);
      },
      120_000,
    );
  });
}

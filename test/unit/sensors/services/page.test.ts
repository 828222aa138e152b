import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { pageHtml, pageScript, pageStyle } from '../../../../sensors/services/page.ts';
import { reading } from './readings.ts';
import { NODE, served, thermometer } from './served-sensors.ts';

const BUDGET_BYTES = 20_000;
const pageOf = async (...readings: Parameters<typeof pageHtml>[1]) =>
  String(await pageHtml(NODE, readings, { states: [], maySet: false }, 0));

describe('page', () => {
  it('is a table with every reading before any script runs', async () => {
    const page = await pageOf(
      reading({ id: 'air', name: 'Air', value: 20.5, unit: 'Cel' }),
      reading({ id: 'never', value: null, quality: 'error', reason: 'the chip is off' }),
    );
    expect(page).toContain('<td class="value" data-text="false">20.5 °C</td>');
    expect(page).toContain('<td class="state">error: the chip is off</td>');
    expect(page).toContain('<a href="/sensors/air">Air</a>');
  });

  it('shows names and values as text, whatever is in them', async () => {
    const name = '"><script>alert(1)</script>';
    const page = await pageOf(
      reading({ id: 'x"y', name, value: '<img src=x>', reason: name, quality: 'stale' }),
    );
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
    expect(page).toContain('data-id="x&quot;y"');
  });

  it('is light: page, style and script take less than its budget, and refer to nothing elsewhere', async () => {
    const page = await pageOf(...Array.from({ length: 15 }, (_, at) => reading({ id: `s${at}` })));
    expect(page.length + pageStyle.length + pageScript.length).toBeLessThan(BUDGET_BYTES);
    expect(gzipSync(page + pageStyle + pageScript).length).toBeLessThan(BUDGET_BYTES / 2);
    const addresses = [page, pageStyle, pageScript].flatMap(
      (text) => text.match(/\b\w+:\/\/[^\s'"]+/g) ?? [],
    );
    expect(addresses).toEqual(['http://www.w3.org/2000/svg']);
  });

  it('is what a browser gets at /, which may load only what is here', async () => {
    const { app } = await served([thermometer()]);
    const browser = {
      headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
    };
    const page = await app.request('/', browser);
    expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(page.headers.get('vary')).toBe('accept');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await page.text();
    for (const [, path = ''] of text.matchAll(/(?:href|src)="(\/[^"]*)"/g)) {
      expect([path, (await app.request(path)).status]).toEqual([path, 200]);
    }
    expect((await app.request('/page.js')).headers.get('content-type')).toContain('text/javascript');
    expect((await app.request('/page.css')).headers.get('content-type')).toContain('text/css');
  });
});

/**
 * Runs inside a host: opens a node's page in headless Chromium at the width of a phone, and prints one line of JSON.
 *   node page.mjs URL CHROMIUM DIRECTORY
 * The page has to show a value that changes by itself, say nothing on the console, and pass axe's rules of WCAG 2 AA, in
 * light and dark. Pictures of a phone and of a desktop are left in the directory.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [url = '', executablePath = '', directory = ''] = process.argv.slice(2);

const { chromium } = await import('playwright-core');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 }, bypassCSP: true });
  const said = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.goto(url, { waitUntil: 'load' });
  const shown = () => page.locator('body').textContent();
  const first = await shown();
  const changed = await page
    .waitForFunction((before) => document.body.textContent !== before, first, { timeout: 20_000 })
    .then(
      () => true,
      () => false,
    );
  const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  const events = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://${location.host}/ws`);
        socket.onmessage = ({ data }) => JSON.parse(data).event === 'reading' && resolve('reading');
        socket.onerror = () => resolve('failed');
      }),
  );
  await page.evaluate(axe);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21aa'];
  const judged = () => page.evaluate((values) => window.axe.run({ runOnly: { type: 'tag', values } }), tags);
  const { violations, passes } = await judged();
  await page.screenshot({ path: join(directory, 'page-phone-light.png') });
  await page.setViewportSize({ width: 1000, height: 720 });
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await judged();
  violations.push(...dark.violations);
  await page.screenshot({ path: join(directory, 'page-desktop-dark.png') });
  const contrast = passes.some(({ id }) => id === 'color-contrast');
  console.log(
    JSON.stringify({
      changed,
      overflows,
      said,
      violations: violations.map(({ id }) => id),
      contrast,
      events,
    }),
  );
} finally {
  await browser.close();
}

import { describe, expect, it } from 'vitest';
import { served, thermometer } from './served-sensors.ts';

interface History {
  time: string | null;
  readings: Array<{ seq: number; time: string | null; ageMs: number; value: number }>;
}

/** Three readings: 20 at 0 s, 21 at 1 s, 22 at 2 s; now is 2.5 s. */
async function threeReadings(clockIsSet = true) {
  const sensor = thermometer();
  const { app, clock } = await served([sensor], { clockIsSet });
  sensor.answer = 21;
  await clock.advance(1_000);
  sensor.answer = 22;
  await clock.advance(1_500);
  const get = (query: string) => app.request(`/sensors/greenhouse-air/history${query}`);
  const values = async (query: string) => {
    const { readings } = (await (await get(query)).json()) as History;
    return readings.map(({ value }) => value);
  };
  return { app, get, values };
}

describe('history of a sensor', () => {
  it('gives what was read, oldest first, with time, age, quality and sequence', async () => {
    const { get } = await threeReadings();
    const history = (await (await get('')).json()) as History;
    expect(history).toMatchObject({ id: 'greenhouse-air', unit: 'Cel', time: '2026-11-01T00:00:02.500Z' });
    expect(history.readings.map(({ value }) => value)).toEqual([20, 21, 22]);
    expect(history.readings[1]).toMatchObject({
      time: '2026-11-01T00:00:01.000Z',
      ageMs: 1_500,
      quality: 'ok',
    });
    const seqs = history.readings.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((one, other) => one - other));
  });

  it('gives those of the last seconds, or after a time', async () => {
    const { values } = await threeReadings();
    expect(await values('?since=2s')).toEqual([21, 22]);
    expect(await values('?since=1h')).toEqual([20, 21, 22]);
    expect(await values('?since=2026-11-01T00:00:00.500Z')).toEqual([21, 22]);
    expect(await values('?since=2026-11-01T02:00:02%2B02:00')).toEqual([22]);
    expect(await values('?since=2027-01-01T00:00:00Z')).toEqual([]);
  });

  it('gives the newest of more than max', async () => {
    const { values } = await threeReadings();
    expect(await values('?max=2')).toEqual([21, 22]);
  });

  it.each(['?since=yesterday', '?since=-5s', '?since=2026-13-01T00:00:00Z', '?since=', '?max=0', '?max=1e9'])(
    'refuses %s with one sentence',
    async (query) => {
      const response = await (await threeReadings()).get(query);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: expect.stringContaining('give') });
    },
  );

  it('knows ages but no times on a board whose clock is not set', async () => {
    const { get, values } = await threeReadings(false);
    expect(await values('?since=2s')).toEqual([21, 22]);
    const history = (await (await get('')).json()) as History;
    expect(history.time).toBeNull();
    expect(history.readings[0]).toMatchObject({ time: null, ageMs: 2_500 });
    expect((await get('?since=2026-11-01T00:00:00Z')).status).toBe(400);
  });

  it('answers 404 for a sensor that is not there', async () => {
    const { app } = await threeReadings();
    expect((await app.request('/sensors/nope/history')).status).toBe(404);
  });
});

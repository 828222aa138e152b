/** Runs in the browser: keeps the page's table live. The table itself comes from the server, and is right without this. */

(() => {
  const CHART_MS = 1_800_000;
  const CHART_POINTS = 240;
  const WIDTH = 100;
  const HEIGHT = 28;
  const SVG = 'http://www.w3.org/2000/svg';
  const SYMBOLS = { Cel: ' °C', '%RH': ' % RH', '/': '' };
  const BYTES = ['B', 'kB', 'MB', 'GB', 'TB'];
  /** Sensor id -> its row, its points ({ at, value, seq }) and when its value was read on this page's clock. */
  const rows = new Map();
  const connection = document.querySelector('#connection');

  const rounded = (value) => String(Number(value.toPrecision(value >= 1000 ? 6 : 4)));

  function bytesText(bytes) {
    const step = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(bytes) || 1) / 3)));
    return `${rounded(bytes / 1000 ** step)} ${BYTES[step]}`;
  }

  function spanText(seconds) {
    if (seconds < 120) return `${Math.round(seconds)} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
  }

  function valueText(value, unit) {
    if (value === null) return '–';
    if (typeof value === 'string') return value;
    if (unit === 'B') return bytesText(value);
    if (unit === 's') return spanText(value);
    return rounded(value) + (SYMBOLS[unit] ?? (unit ? ` ${unit}` : ''));
  }

  function draw({ chart, points, unit }) {
    const first = Math.min(...points.map(({ at }) => at));
    const values = points.map(({ value }) => value);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const x = (at) => ((at - first) / (performance.now() - first || 1)) * WIDTH;
    const y = (value) =>
      high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4);
    const line = points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    chart.firstChild.setAttribute('points', points.length < 2 ? '' : line);
    const span = `${valueText(low, unit)} to ${valueText(high, unit)}`;
    chart.setAttribute('aria-label', `Last ${spanText((performance.now() - first) / 1000)}: ${span}`);
  }

  function chartIn(cell) {
    const chart = document.createElementNS(SVG, 'svg');
    chart.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    chart.setAttribute('preserveAspectRatio', 'none');
    chart.setAttribute('role', 'img');
    chart.append(document.createElementNS(SVG, 'polyline'));
    cell.replaceChildren(chart);
    return chart;
  }

  function addPoint(row, { value, ageMs, seq }) {
    if (typeof value !== 'number') return;
    row.chart ??= chartIn(row.element.querySelector('.trend'));
    // The stream begins with the present reading, which the chart may have from the history.
    if (row.points.at(-1)?.seq === seq) return;
    // Answers take their time, so what came later may seem earlier; a line must not run back.
    const at = Math.max(performance.now() - ageMs, row.points.at(-1)?.at ?? -Infinity);
    row.points.push({ at, value, seq });
    while (row.points.length > CHART_POINTS || at - row.points[0].at > CHART_MS) row.points.shift();
  }

  function show(row, reading) {
    const { value, unit, quality, reason, ageMs } = reading;
    row.unit = unit;
    row.readAt = ageMs === null ? null : performance.now() - ageMs;
    row.problem = quality === 'ok' ? null : `${quality}: ${reason}`;
    row.element.dataset.quality = quality;
    row.element.querySelector('.value').textContent = valueText(value, unit);
    showAge(row);
    if (quality === 'ok') addPoint(row, reading);
    if (row.chart) draw(row);
  }

  function showAge({ element, readAt, problem }) {
    const seconds = (performance.now() - (readAt ?? 0)) / 1000;
    const age = readAt === null ? '' : seconds < 2 ? 'now' : `${spanText(seconds)} ago`;
    element.querySelector('.state').textContent = [problem, age].filter(Boolean).join(', ');
  }

  function newRow({ id, name }) {
    const element = document.querySelector('#row').content.firstElementChild.cloneNode(true);
    element.dataset.id = id;
    const link = element.querySelector('a');
    link.href = `/sensors/${encodeURIComponent(id)}`;
    link.textContent = name;
    document.querySelector('tbody').append(element);
    return element;
  }

  function rowOf(reading) {
    let row = rows.get(reading.id);
    if (!row) {
      const known = document.querySelector(`tr[data-id="${CSS.escape(reading.id)}"]`);
      row = {
        element: known ?? newRow(reading),
        points: [],
        chart: null,
        unit: reading.unit,
        readAt: null,
        problem: null,
      };
      rows.set(reading.id, row);
    }
    return row;
  }

  /** One sensor after the other: a small board has better things to do than to answer fifty at once. */
  async function loadCharts() {
    const { sensors } = await (await fetch('/sensors')).json();
    for (const reading of sensors) {
      const row = rowOf(reading);
      if (typeof reading.value === 'number') {
        const answer = await fetch(
          `/sensors/${encodeURIComponent(reading.id)}/history?since=30m&max=${CHART_POINTS}`,
        );
        const { readings = [] } = answer.ok ? await answer.json() : {};
        for (const past of readings) addPoint(row, past);
      }
      show(row, reading);
    }
  }

  function tell(state, text) {
    connection.dataset.state = state;
    connection.textContent = text;
  }

  function follow() {
    const events = new EventSource('/events');
    events.onopen = () => tell('live', 'live');
    events.onerror = () => {
      tell('lost', 'connection lost, trying again');
      // The browser gives up by itself when the node refuses for now.
      if (events.readyState === EventSource.CLOSED) setTimeout(follow, 30_000);
    };
    events.onmessage = ({ data }) => {
      const reading = JSON.parse(data);
      show(rowOf(reading), reading);
    };
    // page-actuators.js shows it.
    events.addEventListener('actuator', ({ data }) => {
      dispatchEvent(new CustomEvent('actuator', { detail: JSON.parse(data) }));
    });
    // Leaving frees the node's place for the next one at once.
    addEventListener('pagehide', () => events.close(), { once: true });
  }

  setInterval(() => {
    for (const row of rows.values()) showAge(row);
  }, 1000);
  void loadCharts()
    .catch(() => tell('lost', 'the history could not be loaded'))
    .then(follow);
})();

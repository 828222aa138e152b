/** Runs in the browser: the page's switches and sliders. Without it the page shows what the actuators are. */

(() => {
  const LONGEST_WAIT_MS = 8000;
  const section = document.querySelector('#actuators');
  if (!section) return;
  const told = section.querySelector('[role="status"]');
  /** Id -> its state, and when it was told on this page's clock. */
  const known = new Map();
  /** Ids of actuators whose command is on its way: an older state must not undo what the hand just did. */
  const busy = new Set();

  const text = (value) => (value === null ? '–' : value === true ? 'on' : value === false ? 'off' : value);

  function aboutText({ state: { setBy, cause, problem, remainingMs }, toldAt }) {
    if (problem) return problem;
    if (!setBy) return cause === 'controller-lost' ? 'safe: who set it was lost' : '';
    const leftMs = Math.max(0, remainingMs - (performance.now() - toldAt));
    const left = remainingMs === null ? '' : `, for ${Math.ceil(leftMs / 1000)} s more`;
    return `set by ${setBy.name}${left}`;
  }

  const rowOf = (id) => section.querySelector(`[data-id="${CSS.escape(id)}"]`);

  function show(state) {
    const row = rowOf(state.id);
    if (!row || busy.has(state.id)) return;
    const control = row.querySelector('button, input');
    if (control?.matches('button')) control.setAttribute('aria-checked', String(state.value === true));
    if (control?.matches('input') && document.activeElement !== control) control.value = state.value ?? 0;
    row.querySelector('.value').textContent = text(state.value);
    known.set(state.id, { state, toldAt: performance.now() });
    row.querySelector('.state').textContent = aboutText(known.get(state.id));
    row.dataset.problem = String(state.problem !== null);
  }

  async function put(id, value) {
    const answer = await fetch(`/actuators/${encodeURIComponent(id)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ value }),
      signal: AbortSignal.timeout(LONGEST_WAIT_MS),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    return body;
  }

  async function set(id, value) {
    if (busy.has(id)) return;
    busy.add(id);
    let state = null;
    try {
      state = await put(id, value);
      told.textContent = '';
    } catch (error) {
      told.textContent = `Not set: ${error.message}`;
    }
    busy.delete(id);
    if (state) show(state);
    else void look().catch(() => undefined);
  }

  async function look() {
    const { actuators = [] } = await (await fetch('/actuators')).json();
    for (const state of actuators) show(state);
  }

  section.addEventListener('click', ({ target }) => {
    const control = target.closest('button');
    if (!control) return;
    void set(control.closest('[data-id]').dataset.id, control.getAttribute('aria-checked') !== 'true');
  });
  section.addEventListener('change', ({ target }) => {
    void set(target.closest('[data-id]').dataset.id, Number(target.value));
  });
  // page-script.js follows the node's events: first what each actuator is, then what it becomes.
  addEventListener('actuator', ({ detail }) => show(detail));
  setInterval(() => {
    for (const [id, last] of known) {
      if (last.state.remainingMs !== null) rowOf(id).querySelector('.state').textContent = aboutText(last);
    }
  }, 1000);
})();

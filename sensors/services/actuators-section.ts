/** The actuators on the page: what they are, and a control for each only where the client may set it. */
import { html, raw } from 'hono/html';
import type { ActuatorState, ActuatorValue } from '../actuator.ts';
import script from './page-actuators.js' with { type: 'text' };
import type { ShownActuators } from './service-source.ts';

export const actuatorsScript: string = script;

type Markup = ReturnType<typeof html>;

/** Nothing where there is no actuator. */
export function actuatorsSection({ states, maySet }: ShownActuators): Markup | string {
  if (states.length === 0) return '';
  return html`<section id="actuators" aria-labelledby="actuators-title">
<h2 id="actuators-title">Actuators</h2>
<ul>
${states.map((state) => row(state, maySet))}</ul>
<p role="status"></p>
</section>
<script src="/actuators.js" defer></script>
`;
}

function row(state: ActuatorState, maySet: boolean): Markup {
  const { id, title, value, setBy, problem } = state;
  const about = problem ?? (setBy ? `set by ${setBy.name}` : '');
  return html`<li data-id="${id}" data-problem="${String(problem !== null)}"><span class="name" id="name-${id}">${title}</span>${maySet ? control(state) : ''}<span class="value">${valueText(value)}</span><span class="state">${about}</span></li>${raw('\n')}`;
}

function control({ id, kind, value, minimum, maximum }: ActuatorState): Markup {
  if (kind === 'boolean') {
    return html`<button type="button" role="switch" aria-checked="${String(value === true)}" aria-labelledby="name-${id}"></button>`;
  }
  return html`<input type="range" min="${minimum}" max="${maximum}" step="1" value="${Number(value ?? 0)}" aria-labelledby="name-${id}" autocomplete="off">`;
}

function valueText(value: ActuatorValue | null): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === null ? '–' : String(value);
}

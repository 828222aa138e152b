/** What the control API takes: each body has one strict schema, and each refusal is one sentence. */
import * as v from 'valibot';

/** Names, node ids and addresses are all far shorter. */
const LONGEST_TARGET_CHARACTERS = 255;
export const LONGEST_PING_MS = 60_000;

const targetText = v.pipe(
  v.string('"target" must be text'),
  v.trim(),
  v.minLength(1, '"target" is empty: give a name, a node id or an address'),
  v.maxLength(LONGEST_TARGET_CHARACTERS, `"target" is longer than ${LONGEST_TARGET_CHARACTERS} characters`),
);

const pingSentence = `"timeoutMs" must be a whole number of milliseconds from 1 to ${LONGEST_PING_MS}`;

/** Body of POST /v1/links. */
export const createLinkBody = v.strictObject(
  { target: targetText },
  'the body must be a JSON object with "target" and nothing else',
);

/** Body of POST /v1/ping. */
export const pingBody = v.strictObject(
  {
    target: targetText,
    timeoutMs: v.optional(
      v.pipe(
        v.number(pingSentence),
        v.integer(pingSentence),
        v.minValue(1, pingSentence),
        v.maxValue(LONGEST_PING_MS, pingSentence),
      ),
      3000,
    ),
  },
  'the body must be a JSON object with "target", if you like "timeoutMs", and nothing else',
);

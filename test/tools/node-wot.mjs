/**
 * Runs inside a host: reads a Thing with node-wot, as its documentation shows it, and prints one line of JSON.
 *   node node-wot.mjs URL-OF-THE-DESCRIPTION PROPERTY ACTUATOR
 * The actuator is switched on by its action, and off again by writing its property.
 */
import { createRequire } from 'node:module';

const [url = '', property = '', actuator = ''] = process.argv.slice(2);

// They are CommonJS whose named exports Node does not see.
const require = createRequire(import.meta.url);
const { Servient } = require('@node-wot/core');
const { HttpClientFactory } = require('@node-wot/binding-http');
const servient = new Servient();
servient.addClientFactory(new HttpClientFactory());
const wot = await servient.start();
const thing = await wot.consume(await wot.requestThingDescription(url));
const read = await (await thing.readProperty(property)).value();
const observed = [];
const subscription = await thing.observeProperty(property, async (output) =>
  observed.push(await output.value()),
);
const deadline = Date.now() + 15_000;
while (observed.length < 2 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
await subscription.stop();
const present = async () => (await thing.readProperty(actuator)).value();
await thing.invokeAction(`set-${actuator}`, { value: true, for: 60 });
const invoked = await present();
await thing.writeProperty(actuator, false);
const written = await present();
const { title } = thing.getThingDescription();
console.log(JSON.stringify({ title, read, observed: observed.length, invoked, written }));
process.exit(0);

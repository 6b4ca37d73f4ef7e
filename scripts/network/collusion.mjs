// All providers that could be drawn make up the same result, and find one another's valid. Somebody without a seat computes it
// again, and challenges it; by then there are honest judges.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventLog, connect, wellKnownAccounts } from './chain.mjs';
import { Colluders } from './cheat.mjs';
import { Command, localNetwork, until } from './nodes.mjs';
import { providersOnNodes } from './providers.mjs';
import { Report } from './report.mjs';

const SEARCH = fileURLToPath(new URL('../../offchain-worker/examples/hash-search/search.yaml', import.meta.url));
// The first word of the search, as the job's bytes have it, and another.
const colluders = new Colluders({ from: Buffer.from('UPGo'), to: Buffer.from('TPGo') });
const { between } = colluders;

const report = new Report();
const network = localNetwork({
	rpcBase: 49944, p2pBase: 38333, executorBase: 49960, executors: 4, between: [undefined, between, between, between],
});
report.watch(network, { within: 600 });
console.log(`collusion: ${network.folder}`);
const alice = await network.start();
const api = await connect(alice);
const { charlie, ferdie } = await wellKnownAccounts();
// The first is honest, and no provider: it only answers.
const colluding = network.executors.slice(1);
await providersOnNodes({ api, network: { executors: colluding }, funder: ferdie });
const events = new EventLog(api, await alice.finalised());
let done = false;
const following = events.follow(() => done);

await report.scenario('what colluders have found valid is proven false by a stranger', async () => {
	const order = new Command(network, 'client', ['submit', SEARCH, '--key', '//Bob', '--max-price', '5', '--most', '8', '--work', '100', '--time', '60',
		'--out', join(network.folder, 'result')]);
	const task = BigInt(await order.says('task', 90));
	const about = (method, seconds) => until(`tasks.${method}`, () => events.find('tasks', method, (data) => data.task.toBigInt() === task), seconds);
	const { data: { verdict } } = await about('Decided', 240);
	assert(verdict.isValid, `the colluders disagree: ${verdict}`);
	colluders.collude = false;
	const verify = new Command(network, 'stranger', ['verify', task, '--units', '3,9', '--challenge', '--key', '//Charlie']);
	assert.equal(await verify.ended(120), 8, verify.log);
	assert.deepEqual(verify.lines.filter((line) => 'unit' in line).map((line) => line.verdict), ['false', 'false']);
	assert.equal(verify.lines.find((line) => 'challenged' in line)?.challenged, 3, verify.log);
	const { data: { provider, unit } } = await about('Convicted', 240);
	assert.equal(unit.toNumber(), 3);
	const { data } = await until('the slash', () =>
		events.find('trustLock', 'Slashed', ({ who, why }) => who.eq(provider) && why.isFalseResult), 180);
	const finder = data.shares.finder.toBigInt();
	assert(finder > 0n && data.shares.victim.toBigInt() > 0n, data.toString());
	const challenged = events.find('attestations', 'Challenged', (said) => said.task.toBigInt() === task && said.challenger.eq(charlie.address));
	assert(challenged, 'it was somebody else who challenged it');
	const record = (await api.query.tasks.records(task)).unwrap();
	assert.equal(record.ending.type, 'Fraud');
	await order.stop();
	return `unit ${unit} of task ${task}: its finder got ${Number(finder / 10n ** 12n) / 1e6} oGPU`;
});
done = true;
await following;
await api.disconnect();
await report.end();

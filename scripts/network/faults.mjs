// What goes wrong on a network: providers, verifiers and clients that are gone in the middle of a task. Longer than the
// network test, and apart from it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Keyring } from '@polkadot/api';
import { EventLog, OGPU, connect, send, wellKnownAccounts } from './chain.mjs';
import { Command, REGION, localNetwork, until } from './nodes.mjs';
import { providersOnNodes } from './providers.mjs';
import { Report } from './report.mjs';

const EXAMPLES = fileURLToPath(new URL('../../offchain-worker/examples', import.meta.url));
const SEARCH = join(EXAMPLES, 'hash-search', 'search.yaml');
const report = new Report();

const network = localNetwork({ rpcBase: 29944, p2pBase: 34333, executorBase: 29960, executors: 4 });
// The first, which api and clients talk to, is never the one that is killed: it is in another country than some ask for.
network.executors[0].region = REGION + 1;
for (const signal of ['SIGINT', 'SIGTERM']) {
	process.on(signal, async () => {
		await network.stop({ keep: true });
		process.exit(1);
	});
}

// A task of one client, by the command line.
class Order {
	constructor(context, name, args) {
		this.context = context;
		this.name = name;
		this.key = `//Faults//${name}`;
		this.command = new Command(network, name, ['submit', SEARCH, '--key', this.key, '--max-price', '5', '--work', '100', ...args]);
	}

	async submitted() {
		this.task = BigInt(await until(`${this.name} to submit its task`, () => {
			const line = this.command.lines.find((found) => 'task' in found);
			assert(line || this.command.running, this.command.log);
			return line?.task.toString();
		}, 90));
		return this.task;
	}

	// An event about it.
	event(section, method, seconds, matches = () => true) {
		const { events } = this.context;
		return until(`${section}.${method} of task ${this.task}`, () =>
			events.find(section, method, (data) => data.task?.toBigInt() === this.task && matches(data)), seconds);
	}

	async ended(seconds) {
		const { api } = this.context;
		let record;
		await until(`task ${this.task} to end`, async () => {
			record = (await api.query.tasks.records(this.task)).unwrapOr(null);
			return record !== null;
		}, seconds, 1000);
		return record;
	}
}

// The number of the provider's node.
const nodeOf = ({ providers }, account) => providers.findIndex(({ address }) => address === account.toString());

async function kill(index) {
	await Promise.all([network.nodes[index].stop('SIGKILL'), network.executors[index].owned ? null : network.executors[index].stop('SIGKILL')]);
}

async function revive(index) {
	await network.executors[index].start();
	network.nodes[index].start();
	await until(`${network.nodes[index].name} to follow again`, async () =>
		(await network.nodes[index].finalised()) >= (await network.nodes[0].finalised()) - 3, 120);
}

// A provider acknowledges, and its machine goes down. Whoever bid next best takes over, and the provider pays for it.
async function takeover(context) {
	const out = join(network.folder, 'takeover');
	const order = new Order(context, 'takeover', ['--time', '15', '--region', REGION, '--out', out]);
	const task = await order.submitted();
	const { data } = await order.event('tasks', 'Acknowledged', 150);
	const index = nodeOf(context, data.provider);
	assert(index > 0, 'the first node has a task that is for another country');
	await kill(index);
	await order.event('tasks', 'Missed', 150, ({ provider }) => provider.eq(data.provider));
	const record = await order.ended(300);
	assert.equal(record.ending.type, 'Completed');
	assert.notEqual(record.provider.toString(), data.provider.toString());
	assert.equal(await order.command.ended(60), 0, order.command.log);
	assert.equal(readFileSync(join(out, 'best')).length, 65_536);
	await revive(index);
	return `node ${index} was gone, another completed task ${task}`;
}

// A client submits, and is gone once the provider has its inputs. It comes back for the result.
async function clientGone(context) {
	const out = join(network.folder, 'gone');
	const order = new Order(context, 'gone', ['--time', '60', '--out', out]);
	const task = await order.submitted();
	await order.event('tasks', 'Acknowledged', 150);
	await order.command.stop('SIGKILL');
	await order.event('tasks', 'Delivered', 240);
	const fetch = new Command(network, 'gone', ['fetch', task, '--key', order.key, '--out', out]);
	assert.equal(await fetch.ended(60), 0, fetch.log);
	const record = await order.ended(120);
	assert.equal(record.ending.type, 'Completed');
	return `task ${task} was verified without its client`;
}

// A member of a panel has committed, and goes down before it reveals.
async function verifierGone(context) {
	const order = new Order(context, 'verifier', ['--time', '60', '--out', join(network.folder, 'verifier')]);
	const task = await order.submitted();
	const { data } = await order.event('attestations', 'Committed', 240, ({ member }) => nodeOf(context, member) > 0);
	const index = nodeOf(context, data.member);
	await kill(index);
	const record = await order.ended(420);
	assert.equal(record.ending.type, 'Completed');
	await revive(index);
	return `node ${index} was gone between commit and reveal of task ${task}`;
}

console.log(`faults: ${network.folder}`);
const alice = await network.start();
const api = await connect(alice);
const { ferdie } = await wellKnownAccounts();
const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
const clients = ['takeover', 'gone', 'verifier'].map((name) => keyring.addFromUri(`//Faults//${name}`));
await send(api, ferdie, api.tx.utility.batchAll(clients.map(({ address }) => api.tx.balances.transferKeepAlive(address, 1_000n * OGPU))));
const providers = await providersOnNodes({ api, network, funder: ferdie });
const events = new EventLog(api, await alice.finalised());
let done = false;
const following = events.follow(() => done);
const context = { api, events, providers };
const scenario = (name, run) => report.scenario(name, () => run(context));
await scenario('a client that is gone once it has submitted', clientGone);
await scenario('a provider that is gone once it has acknowledged', takeover);
await scenario('a verifier that is gone between commit and reveal', verifierGone);
done = true;
await following;
await scenario('nobody is convicted, and nothing is left in escrow', async () => {
	assert(!events.find('tasks', 'Convicted'), 'somebody honest was convicted');
	for (const { address } of clients) {
		await until('the escrow to be empty', async () => (await api.query.tasks.escrows(address)).isEmpty, 60);
	}
});
await api.disconnect();
await network.stop({ keep: report.failed > 0 });
if (report.failed > 0) console.log(`the logs are in ${network.folder}`);
console.log(`${report.counts}, in ${report.elapsed}`);
process.exit(report.failed > 0 ? 1 : 0);

// The market, as somebody with polkadot.js apps uses it: with providers by hand, and with providers whose nodes
// do the work.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Keyring } from '@polkadot/api';
import { send, sendExpectingError, OGPU } from '../chain.mjs';
import { Command, until, variation } from '../nodes.mjs';
import { bidsByHand, heartbeat, nowhere, registered } from '../providers.mjs';

const EXAMPLES = fileURLToPath(new URL('../../../offchain-worker/examples', import.meta.url));
const DIGITS = join(EXAMPLES, 'digits');

const someJob = {
	job: { hash: new Uint8Array(32).fill(3), blob: new Uint8Array(32).fill(4), len: 1000, source: nowhere('05'), reader: new Uint8Array(32).fill(5) },
	shape: 'Parallel',
	profile: 'ExactInt',
	units: 100,
};

function spec(fewOperators) {
	return {
		...someJob,
		parts: 1,
		work: 100_000,
		requirements: { tier: 'Consumer', memory: 30, features: 1, region: null, reputation: 0 },
		tier: 'Standard',
		trust: 'Never',
		fewOperators,
		maxPrice: 100n * OGPU,
		time: 30,
	};
}

export async function taskByHand({ api, accounts: { eve, ferdie, one } }) {
	await Promise.all([registered(api, eve, 'Eve', nowhere('01')), registered(api, one, 'One', nowhere('02'))]);
	// An account that nothing else happens to, so that what it pays can be told.
	const client = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Market//client');
	await send(api, ferdie, api.tx.balances.transferKeepAlive(client.address, 500n * OGPU));

	// Nobody has seats yet, so verified work cannot be had, and the chain says so.
	const refused = await sendExpectingError(api, client, api.tx.tasks.submit(spec('Refuse'), 200n * OGPU));
	assert(refused.includes('tasks.TooFewOperators'), refused);

	const before = (await api.query.system.account(client.address)).data.free.toBigInt();
	const submitted = await send(api, client, api.tx.tasks.submit(spec('Unverified'), 200n * OGPU));
	const task = submitted.find(({ method }) => method === 'Submitted').data.task.toBigInt();
	const status = async () => (await api.query.tasks.tasks(task)).unwrapOr(null)?.status.type ?? 'ended';

	const byHand = bidsByHand(api, task);
	const bids = [[eve, 40n * OGPU], [one, 60n * OGPU]];
	await Promise.all(bids.map(([who, price]) => byHand.seal(who, price)));
	await until('bids to be opened', async () => (await status()) === 'Revealing', 60);
	await Promise.all(bids.flatMap(([who, price]) => [
		byHand.open(who, price),
		heartbeat(api, who),
	]));
	let assigned;
	await until('the task to be assigned', async () => {
		const found = (await api.query.tasks.tasks(task)).unwrapOr(null)?.status;
		assigned = found?.isAssigned ? found.asAssigned.to : null;
		return assigned !== null;
	}, 60);

	// The lower bid has won, and is paid what the other asked.
	assert.equal(assigned.provider.toString(), eve.address);
	assert.equal(assigned.price.toBigInt(), 60n * OGPU);
	const late = await sendExpectingError(api, one, api.tx.tasks.act({ Acknowledge: { task, attempt: 0 } }));
	assert(late.includes('tasks.NotAssigned'), late);

	await send(api, eve, api.tx.tasks.act({ Acknowledge: { task, attempt: 0 } }));
	await send(api, eve, api.tx.tasks.act({ Root: { task, attempt: 0, part: 0, root: new Uint8Array(32).fill(7) } }));
	await send(api, client, api.tx.tasks.acknowledgeDelivery(task));
	// The best block may be another one in a moment, without what the last one had.
	let record;
	await until('the window to end', async () => {
		record = (await api.query.tasks.records(task)).unwrapOr(null);
		return record !== null;
	}, 120);
	assert.equal(record.ending.type, 'CompletedUnverified');
	assert.equal(record.paid.toBigInt(), 60n * OGPU);
	const paid = before - (await api.query.system.account(client.address)).data.free.toBigInt();
	// The price, two hundredths of it as protocol fee, and what the transactions cost.
	assert(paid >= 61_200n * OGPU / 1000n && paid < 61_300n * OGPU / 1000n, `the client paid ${paid}`);
	assert.equal((await api.query.tasks.escrows(client.address)).toBigInt(), 0n);
	return `task ${task} paid ${Number(record.paid.toBigInt() / 10n ** 15n) / 1000} oGPU`;
}

// A stream and an auction that come to nothing, and cost nothing but fees.
export async function streamByHand({ api, accounts: { ferdie } }) {
	const client = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Market//streamer');
	await send(api, ferdie, api.tx.balances.transferKeepAlive(client.address, 600n * OGPU));
	const { requirements, profile, job: { hash, blob, len, source, reader } } = spec('Unverified');
	const stream = {
		source, reader, profile, requirements, tier: 'Standard', fewOperators: 'Unverified',
		reward: OGPU, racers: 2, work: 1_000, time: 20,
	};
	const wrong = await sendExpectingError(api, client, api.tx.tasks.openStream({ ...stream, racers: 9 }, OGPU));
	assert(wrong.includes('tasks.RacerCount'), wrong);
	const opened = await send(api, client, api.tx.tasks.openStream(stream, 20n * OGPU));
	const number = opened.find(({ method }) => method === 'StreamOpened').data.stream.toBigInt();
	const batch = { hash, blob, len, requests: 40 };
	const poor = await sendExpectingError(api, client, api.tx.tasks.send(number, [batch]));
	assert(poor.includes('tasks.StreamTooPoor'), poor);
	await send(api, client, api.tx.tasks.topUp(number, 300n * OGPU));
	const sent = await send(api, client, api.tx.tasks.send(number, [batch, batch]));
	const batches = sent.filter(({ method }) => method === 'BatchSent').map(({ data }) => data.task.toBigInt());
	assert.equal(batches.length, 2);
	const busy = await sendExpectingError(api, client, api.tx.tasks.closeStream(number));
	assert(busy.includes('tasks.StreamBusy'), busy);
	const auction = await send(api, client, api.tx.tasks.submit(spec('Unverified'), 200n * OGPU));
	const task = auction.find(({ method }) => method === 'Submitted').data.task.toBigInt();
	for (const each of [...batches, task]) await send(api, client, api.tx.tasks.cancel(each));
	assert.equal((await api.query.tasks.records(task)).unwrap().ending.type, 'Cancelled');
	await send(api, client, api.tx.tasks.closeStream(number));
	assert.equal((await api.query.tasks.escrows(client.address)).toBigInt(), 0n);
	const left = (await api.query.system.account(client.address)).data.free.toBigInt();
	assert(left > 599n * OGPU, `${left} is left of 600 oGPU`);
	return `stream ${number} and task ${task} gave back all of it`;
}

// The root that the page of the examples promises.
function promisedRoot(job) {
	const page = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
	return page.split('\n').find((line) => line.startsWith(`| \`${job}\``)).match(/`([0-9a-f]{64})`/)[1];
}

// A new client with something to spend, once there are providers. Its key.
async function clientOfNodes({ api, accounts: { ferdie }, providers }, name) {
	const key = `//Nodes//${name}`;
	const client = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri(key);
	await Promise.all([send(api, ferdie, api.tx.balances.transferKeepAlive(client.address, 1_100n * OGPU)), providers]);
	return key;
}

// A training of twenty segments: those who verify it are handed the states before theirs. In the middle of it the executor dies
// that the first node has started; it is started again, and goes on from the last state.
export async function trainingByNodes(context) {
	const { api, network, events } = context;
	const [own, node] = [network.executors[0], network.nodes[0]];
	const key = await clientOfNodes(context, 'trainer');
	const manifest = variation(join(DIGITS, 'train.yaml'), {
		folder: join(network.folder, 'training'),
		files: ['train.cl', 'images.bin', 'labels.bin', 'start.bin'],
		change: (text) => text.replace('{count: 2000, checkpoint_every: 100,', '{count: 6000, checkpoint_every: 300,'),
	});
	const out = join(network.folder, 'trained');
	const command = new Command(network, 'trainer', [
		'submit', manifest, '--key', key, '--max-price', '5', '--work', '30', '--time', '60', '--region', own.region, '--out', out,
		// Of three operators two verify it: at the standard tier so few could not deter whoever makes blocks as well.
		'--tier', 'high',
	]);
	const ended = command.ended(300);
	const { run, killed } = await until('the first node to compute half of it', async () => {
		assert(command.running, command.log);
		const { runs } = await own.call('GET', '/v1/jobs?state=running');
		const run = runs.find(({ done, of }) => of === 20 && done >= 10 && done < of);
		const killed = own.pidUnder(node);
		return run && killed && { run, killed };
	}, 150, 100);
	process.kill(killed, 'SIGKILL');
	// One that is killed is there until its node has noticed.
	await until('the node to start its executor again', () => ![undefined, killed].includes(own.pidUnder(node)), 60);
	const after = await until('the executor to go on', async () => {
		const found = await own.call('GET', `/v1/jobs/${run.id}`);
		return ['running', 'done'].includes(found.state) && found;
	}, 60, 50);
	// What it came to in the last second was noted nowhere.
	assert(after.state === 'done' || after.done > 0, `it had ${run.done} of 20 segments, and began again with ${after.done}`);
	assert.equal(await ended, 0, command.log);
	assert.equal(readFileSync(join(out, 'w')).length, 4 * 4_810);
	const { task } = command.lines.find((line) => 'task' in line);
	await until('the window to end', async () => (await api.query.tasks.records(task)).isSome, 120);
	const record = (await api.query.tasks.records(task)).unwrap();
	assert.equal(record.ending.type, 'Completed');
	assert.equal(record.provider.toString(), (await context.providers)[0].address);
	const mine = (data) => data.task.toBigInt() === BigInt(task);
	await until('all of it to be final', () => events.find('tasks', 'Ended', mine), 60);
	assert(!events.find('tasks', 'Missed', mine), 'it missed its deadline');
	return `task ${task}, for ${Number(record.paid.toBigInt() / 10n ** 15n) / 1000} oGPU`;
}

// Requests that nodes race for.
export async function requestsByNodes(context) {
	const { network } = context;
	const key = await clientOfNodes(context, 'requester');
	const manifest = join(DIGITS, 'infer.yaml');
	const run = async (...args) => {
		const command = new Command(network, 'requester', [...args, '--key', key]);
		const from = command.lines.length;
		assert.equal(await command.ended(240), 0, command.log);
		return command.lines.slice(from);
	};
	const opened = await run('stream', 'open', manifest, '--reward', '0.001', '--deposit', '20', '--racers', '2', '--work', '0.01', '--time', '40');
	const { stream } = opened.find((line) => 'stream' in line);
	const out = join(network.folder, 'requests');
	const sent = await run('stream', 'send', stream, manifest, '--out', out);
	const [task] = sent.find((line) => 'tasks' in line).tasks;
	const digits = readFileSync(join(out, `task-${task}`, 'digits'));
	const labels = readFileSync(join(DIGITS, 'labels.bin')).subarray(-digits.length);
	const right = digits.filter((digit, image) => digit === labels[image]).length;
	assert(right > 0.9 * labels.length, `only ${right} of ${labels.length} digits are right`);
	return `stream ${stream}: ${right} of ${digits.length} digits are right`;
}

export async function taskByNodes(context) {
	const { api, network, providers } = context;
	const key = await clientOfNodes(context, 'client');

	// A client on the command line, which serves its inputs, follows the task and fetches the result.
	const manifest = join(EXAMPLES, 'hash-search', 'search.yaml');
	const out = join(network.folder, 'result');
	const command = new Command(network, 'client', [
		'submit', manifest, '--key', key, '--max-price', '100', '--work', '100', '--time', '30', '--out', out,
	]);
	const task = BigInt(await command.says('task', 90));
	const live = async () => (await api.query.tasks.tasks(task)).unwrapOr(null);
	const record = async () => (await api.query.tasks.records(task)).unwrapOr(null);
	let rooted = null;
	let stranger = null;
	await until('the nodes to bid, compute, verify and deliver', async () => {
		const found = await live();
		// Somebody else sees for themselves, with what the client serves as long as it waits, and the provider to all who know
		// the hashes.
		if (!stranger && (await api.query.tasks.roots(task, 0)).isSome) stranger = new Command(network, 'stranger', ['verify', task]);
		if (found?.status.isDelivered) rooted = (await api.query.tasks.roots(task, 0)).unwrap()[1].toHex();
		const ended = await record();
		assert(!ended || rooted, `it ended without a result: ${ended?.ending.type}`);
		return rooted;
	}, 240);
	assert.equal(rooted, `0x${promisedRoot('hash-search/search')}`);
	assert.equal(await stranger.ended(90), 0, stranger.log);
	assert(stranger.lines.some(({ right, of }) => right > 0 && right === of), stranger.log);
	assert.equal(await command.ended(120), 0, command.log);
	assert.equal(readFileSync(join(out, 'best')).length, 65_536);
	assert(command.lines.some(({ taken }) => taken), command.log);
	await until('the window to end', async () => (await record()) !== null, 120);
	const ended = await record();
	// What is not there is said in one line.
	const nothing = new Command(network, 'nothing', ['fetch', task]);
	assert.equal(await nothing.ended(60), 8, nothing.log);
	assert.match(nothing.lines[0].error, /the task has ended/);
	assert.equal(ended.ending.type, 'Completed');
	assert((await providers).some(({ address }) => address === ended.provider.toString()));
	return `task ${task} came to the root of its page, for ${Number(ended.paid.toBigInt() / 10n ** 15n) / 1000} oGPU`;
}

// A provider need not be a validator. Looked at when everything else is over.
export async function fullNodeVerified({ network, providers, events }) {
	const [own] = (await providers).filter((_, index) => !network.executors[index].node.args.includes('--validator'));
	assert(own, 'every provider is a validator');
	const words = events.data('attestations', 'Committed')
		.filter(({ member, abstains }) => member.eq(own.address) && abstains.isFalse);
	assert(words.length > 0, 'it never had anything to say');
	return `it verified ${words.length} times`;
}

// Whoever does its work loses nothing. Looked at when everything else is over.
export async function noProviderWasSlashed({ providers, events }) {
	const own = new Set((await providers).map(({ address }) => address));
	for (const { who, why } of events.data('trustLock', 'Slashed')) {
		assert(!own.has(who.toString()), `a provider is slashed: ${why.type}`);
	}
}

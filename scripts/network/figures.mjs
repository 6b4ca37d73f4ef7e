// Figures of a network of four providers on this machine: one job in three ways, what a pool's requests cost in
// transactions and blocks, what tasks alone and many cost in them, and whether blocks stay on time while all devices are busy.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Keyring } from '@polkadot/api';
import { OGPU, connect, finalBlocks, send, wellKnownAccounts } from './chain.mjs';
import { Command, bin, localNetwork, sleep, until, variation } from './nodes.mjs';
import { providersOnNodes } from './providers.mjs';
import { Report } from './report.mjs';

const EXAMPLES = fileURLToPath(new URL('../../offchain-worker/examples', import.meta.url));
const DIGITS = join(EXAMPLES, 'digits');
const EXAMPLE = fileURLToPath(new URL('../../client/examples/javascript/submit.mjs', import.meta.url));
const KEY = '//Figures//client';
const SLOT = 3_000;
// Tasks that are submitted in one transaction.
const BATCH = 20;
// For how long blocks are watched, idle and busy.
const WATCHED = 120;

const report = new Report(process.argv[2]);
const figures = { machine: `${cpus().length} cores, ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB` };
const network = localNetwork({ rpcBase: 39944, p2pBase: 37333, executorBase: 39960, executors: 4 });
report.watch(network, { within: 3000 });

// A command of the client that must succeed, and what it printed.
async function ogpu(seconds, ...args) {
	const command = new Command(network, 'figures', args);
	const from = command.lines.length;
	assert.equal(await command.ended(seconds), 0, command.log);
	return command.lines.slice(from);
}

// The manifest of so many requests to recognise one image each, from one of the images on.
function requests(name, first, count) {
	return variation(join(DIGITS, 'infer.yaml'), {
		folder: join(network.folder, 'requests'),
		files: ['infer.cl', 'images.bin', 'trained.bin', 'trained.biases'],
		name: `${name}.yaml`,
		change: (text) => text.replace('len: 360', `len: ${count}`).replace('{i32: 1437}', `{i32: ${first}}`)
			.replace('[360]', `[${count}]`).replace('local: [8]', 'local: [1]'),
	});
}

async function openStream(manifest) {
	const lines = await ogpu(90, 'stream', 'open', manifest, '--key', KEY, '--reward', '0.001', '--deposit', '100', '--racers', '2', '--work', '0.01', '--time', '40');
	return lines.find((line) => 'stream' in line).stream;
}

// Every final block, with what is in it.
const final = [];
let done = false;

async function readBlocks(api) {
	for await (const { height, hash } of finalBlocks(api, 0, () => done)) {
		const [{ block: { extrinsics } }, at] = await Promise.all([api.rpc.chain.getBlock(hash), api.at(hash)]);
		const [events, time] = await Promise.all([at.query.system.events(), at.query.timestamp.now()]);
		final.push({ height, extrinsics, events: events.map(({ event }) => event), time: time.toNumber() });
	}
}

async function blocks(from, to) {
	await until(`block ${to} to be final, and read`, () => final.at(-1)?.height >= to, 60);
	return final.filter(({ height }) => from <= height && height <= to);
}

// In which of some blocks the market said this of a task first.
function heightOf(read, task, method) {
	return read.find(({ events }) => events.some((event) =>
		event.section === 'tasks' && event.method === method && event.data.task.toNumber() === task))?.height;
}

// What was said of a task, each with its block.
function storyOf(read, task) {
	const told = read.flatMap(({ height, events }) => events
		.filter(({ section, data }) => ['tasks', 'attestations'].includes(section) && data.task?.toNumber() === task)
		.map(({ method }) => `${height} ${method}`));
	return told.join(', ');
}

// What the market said in some blocks of some tasks.
const saidOf = (read, tasks, method) => read.flatMap(({ events }) => events).filter((event) =>
	event.section === 'tasks' && event.method === method && tasks.includes(event.data.task.toNumber()));

// The transactions of some blocks in which providers do their duties.
function performed(read) {
	const calls = read.flatMap(({ extrinsics }) => extrinsics.map(({ method }) => method));
	const performances = calls.filter(({ section, method }) => section === 'worker' && method === 'perform');
	return performances.map(({ args: [provider, , duties] }) => ({ provider, duties }));
}

const bestHeight = async (api) => (await api.rpc.chain.getHeader()).number.toNumber();

// Serves a job until it is stopped. The command, and the specification of a task.
async function offered(manifest, time) {
	const offer = new Command(network, 'figures', ['offer', manifest, '--max-price', '1', '--work', '10', '--time', time]);
	return { offer, spec: await offer.says('spec', 60) };
}

// Buys a job with the example in JavaScript, and fetches the result to a folder. The task's number.
async function byExample(manifest, out) {
	const folder = join(network.folder, 'example');
	mkdirSync(folder);
	copyFileSync(EXAMPLE, join(folder, 'submit.mjs'));
	symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'));
	const { offer, spec } = await offered(manifest, '40');
	const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'submit.mjs'), network.nodes[0].url, KEY, spec], { timeout: 300_000 });
	await offer.stop('SIGINT');
	const task = stdout.match(/^is task (\d+)$/m)?.[1];
	assert(task && /^delivered: /m.test(stdout), stdout);
	await ogpu(120, 'fetch', task, '--key', KEY, '--out', out);
	return task;
}

// The same job by `ogpu-worker run`, by auction, and from the pool.
async function threeWays({ api }) {
	const manifest = join(DIGITS, 'infer.yaml');
	const alone = JSON.parse(execFileSync(bin('ogpu-worker'), [
		'run', manifest, '--json', '--compute-threads', '1', '--out', join(network.folder, 'alone'),
	], { maxBuffer: 1 << 26 }));
	const result = async (task) => {
		let record;
		await until(`task ${task} to end`, async () => {
			record = (await api.query.tasks.records(task)).unwrapOr(null);
			return record !== null;
		}, 120, 1000);
		assert.equal(record.ending.type, 'Completed');
		return record.result.unwrap().toHex().slice(2);
	};
	const auction = await result(await byExample(manifest, join(network.folder, 'auction')));
	const stream = await openStream(manifest);
	const sent = await ogpu(300, 'stream', 'send', stream, manifest, '--key', KEY, '--out', join(network.folder, 'pool'));
	const [task] = sent.find((line) => 'tasks' in line).tasks;
	const pool = await result(task);
	assert.deepEqual([auction, pool], [alone.root, alone.root]);
	const digits = ['alone/out', 'auction', `pool/task-${task}`].map((folder) => readFileSync(join(network.folder, folder, 'digits')));
	assert(digits.every((found) => found.equals(digits[0])), 'the results differ');
	figures.root = alone.root;
	return `${alone.root} each time`;
}

// Sends batches at once, and counts transactions and blocks until they are verified.
async function pool({ api }, batches, each) {
	const manifests = Array.from({ length: batches }, (_, index) => requests(`of-${batches}-${index}`, index * each, each));
	const stream = await openStream(manifests[0]);
	const from = await bestHeight(api);
	const lines = await ogpu(420, 'stream', 'send', stream, ...manifests, '--key', KEY, '--out', join(network.folder, `pool-${batches}-${each}`));
	const tasks = lines.find((line) => 'tasks' in line).tasks.map(Number);
	const read = await blocks(from, await bestHeight(api));

	const racing = new Map();
	let judging = 0;
	const ours = (duty) => duty.isTasks && (duty.asTasks.isRace || duty.asTasks.isShow) && tasks.includes(duty.asTasks.inner.task.toNumber());
	for (const { provider, duties } of performed(read)) {
		if (duties.some(ours)) racing.set(provider.toString(), (racing.get(provider.toString()) ?? 0) + 1);
		else if (duties.some((duty) => duty.isAttestations)) judging += 1;
	}
	const times = tasks.map((task) => {
		const moments = ['BatchSent', 'Raced', 'Shown', 'RaceWon', 'Decided'].map((method) => heightOf(read, task, method));
		assert(moments.every(Boolean), `task ${task}: ${moments}`);
		const [sent, sealed, shown, won, verified] = moments;
		return { sealed: sealed - sent, shown: shown - sealed, won: won - sealed, verified: verified - sealed };
	});
	const worst = (what) => Math.max(...times.map((time) => time[what]));
	const racers = [...racing.values()];
	const outstanding = batches * each;
	const found = {
		outstanding,
		batches,
		// By the client and one racer, as if nobody else raced.
		transactions: { client: 1, mostOfARacer: Math.max(...racers), all: 1 + racers.reduce((sum, sent) => sum + sent, 0), racers: racers.length, verification: judging },
		perRequest: (1 + Math.max(...racers)) / outstanding,
		// Work is done in the block before it is sealed at the latest, and its answer provisional when it is shown.
		blocks: { sentToSealed: worst('sealed'), sealedToShown: worst('shown'), sealedToWon: worst('won'), sealedToVerified: worst('verified') },
	};
	(figures.pool ??= []).push(found);
	if (outstanding === 1) {
		assert(1 + Math.max(...racers) <= 3, `${racers} transactions of racers for one request`);
		assert(found.blocks.sealedToVerified <= 12, `verified ${found.blocks.sealedToVerified} blocks after it was sealed: ${storyOf(read, tasks[0])}`);
	} else if (each > 1) {
		assert(found.perRequest < 1, `${found.perRequest} transactions a request`);
	}
	assert(found.blocks.sealedToShown <= 3, `provisional ${found.blocks.sealedToShown} blocks after it was sealed`);
	return JSON.stringify(found);
}

// Submits tasks at once, of 20 units each and verified as `standard`, and counts what they come to in transactions of
// providers, and blocks from root to verdict.
async function tasksAtOnce({ api }, count) {
	const { offer, spec } = await offered(requests(`task-of-${count}`, 0, 20), '400');
	const { reserve, protocolFee, verification } = (await api.call.marketApi.quote(spec)).asOk;
	const most = [reserve, protocolFee, verification].reduce((sum, price) => sum + price.toBigInt(), 0n);
	const from = await bestHeight(api);
	const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, index) => Math.min(BATCH, count - index * BATCH));
	const submitted = await Promise.all(batches.map((size) => send(api, client,
		api.tx.utility.batchAll(Array.from({ length: size }, () => api.tx.tasks.submit(spec, most))))));
	const tasks = submitted.flat().filter(({ method }) => method === 'Submitted').map(({ data }) => data.task.toNumber());
	assert.equal(tasks.length, count);
	let left = tasks;
	await until('all tasks to be verified', async () => {
		const found = await api.query.tasks.tasks.multi(left);
		left = left.filter((_, index) => found[index].isSome && !found[index].unwrap().status.isDelivered);
		return left.length === 0;
	}, 1_500, 2000);
	const read = await blocks(from, await bestHeight(api));
	await offer.stop('SIGINT');

	let [transactions, duties] = [0, 0];
	for (const performance of performed(read)) {
		const ours = performance.duties.filter((duty) => duty.isTasks || duty.isAttestations).length;
		transactions += ours > 0 ? 1 : 0;
		duties += ours;
	}
	const verdicts = saidOf(read, tasks, 'Decided').filter(({ data }) => data.verdict.isValid);
	const valid = new Set(verdicts.map(({ data }) => data.task.toNumber()));
	const rootToVerdict = [...valid].map((task) => heightOf(read, task, 'Decided') - heightOf(read, task, 'Rooted')).sort((a, b) => a - b);
	// A node bids for no more than it can open: who comes when all have their hands full, comes again.
	const unwanted = saidOf(read, tasks, 'Ended').filter(({ data }) => data.ending.isNoProvider).length;
	const all = read.flatMap(({ events }) => events);
	const commitments = all.filter(({ section, method }) => section === 'attestations' && method === 'Committed');
	const found = {
		tasks: count,
		unwanted,
		valid: valid.size,
		blocks: read.length,
		transactions,
		perTask: transactions / valid.size,
		dutiesPerTask: duties / valid.size,
		commitments: commitments.length,
		abstained: commitments.filter(({ data }) => data.abstains.isTrue).length,
		noShows: all.filter(({ section, method, data }) => section === 'trustLock' && method === 'Slashed' && data.why.isNoShow).length,
		rootToVerdict: { median: rootToVerdict[rootToVerdict.length >> 1], most: rootToVerdict.at(-1) },
	};
	(figures.tasks ??= []).push(found);
	assert.equal(valid.size, count - unwanted, JSON.stringify(found));
	assert(unwanted <= count / 10, JSON.stringify(found));
	if (count === 1) assert(found.rootToVerdict.most <= 12, `${JSON.stringify(found)}: ${storyOf(read, tasks[0])}`);
	return JSON.stringify(found);
}

// How regular blocks are in the next minutes.
async function regularity(api) {
	const from = await bestHeight(api);
	await sleep(WATCHED * 1000);
	const read = await blocks(from, await bestHeight(api));
	const gaps = read.slice(1).map(({ time }, index) => time - read[index].time);
	const slots = Math.round((read.at(-1).time - read[0].time) / SLOT);
	return { slots, blocks: gaps.length, longestGapSeconds: Math.max(...gaps) / 1000 };
}

// Blocks, while every device computes with the threads and the niceness of the providers' guide.
async function onTime({ api }) {
	const idle = await regularity(api);
	const folder = join(network.folder, 'busy');
	const manifest = variation(join(EXAMPLES, 'hash-search', 'search.yaml'), {
		folder,
		files: ['search.cl'],
		change: (text) => `${text.replace('{u32: 512}', '{u32: 500000}').replace('groups: 4', 'groups: 1')}timeouts: {step: 60s, total: 1h}\n`,
	});
	const busy = network.executors.map((_, index) => spawn(bin('ogpu-worker'), [
		'run', manifest, '--compute-threads', '1', '--nice', '19', '--out', join(folder, String(index)),
	], { stdio: 'ignore' }));
	try {
		await sleep(10_000);
		const saturated = await regularity(api);
		assert(busy.every(({ exitCode }) => exitCode === null), 'a device was done too early');
		figures.blocks = { idle, saturated };
		assert(saturated.blocks >= 0.9 * saturated.slots, JSON.stringify(saturated));
		return JSON.stringify(figures.blocks);
	} finally {
		for (const process of busy) process.kill('SIGKILL');
	}
}

console.log(`figures: ${network.folder}, ${figures.machine}`);
const alice = await network.start();
const api = await connect(alice);
const reading = readBlocks(api);
const { ferdie } = await wellKnownAccounts();
const client = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri(KEY);
await send(api, ferdie, api.tx.balances.transferKeepAlive(client.address, 2_000n * OGPU));
await providersOnNodes({ api, network, funder: ferdie });
const scenario = (name, run) => report.scenario(name, () => run({ api }));
await scenario('the same job in three ways', threeWays);
await scenario('a request sent alone', (context) => pool(context, 1, 1));
await scenario('10 requests in a batch', (context) => pool(context, 1, 10));
await scenario('10 requests, each a batch', (context) => pool(context, 10, 1));
await scenario('100 requests in 10 batches', (context) => pool(context, 10, 10));
await scenario('a task alone', (context) => tasksAtOnce(context, 1));
await scenario('100 tasks at the same time', (context) => tasksAtOnce(context, 100));
await scenario('blocks while devices are busy', onTime);
done = true;
await reading;
await api.disconnect();
const file = join(tmpdir(), 'ogpu-figures.json');
writeFileSync(file, `${JSON.stringify(figures, null, '\t')}\n`);
console.log(`the figures are in ${file}`);
await report.end();

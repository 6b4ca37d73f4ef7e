// What goes wrong on a network: providers, verifiers and clients that are gone in the middle of a task, nodes that are
// started again, a cable that is pulled. For the last it makes a machine of its own, which needs root.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Keyring } from '@polkadot/api';
import { EventLog, OGPU, connect, isOf, send, sendExpectingError, wellKnownAccounts } from './chain.mjs';
import { machineApart } from './hosts.mjs';
import { Command, REGION, localNetwork, sleep, until, variation } from './nodes.mjs';
import { bidsByHand, heartbeat, nowhere, providersOnNodes, registered } from './providers.mjs';
import { Report } from './report.mjs';

const EXAMPLES = fileURLToPath(new URL('../../offchain-worker/examples', import.meta.url));
const SEARCH = join(EXAMPLES, 'hash-search', 'search.yaml');
const PROGRAM = fileURLToPath(new URL('../../client/examples/javascript/submit.mjs', import.meta.url));
const MODULES = fileURLToPath(new URL('node_modules', import.meta.url));
// How many numbers each work-item of the long search tries, of which the short one tries 512; and its units, of which each of
// two parts has a half.
const LONG = 512 * 15;
const UNITS = 64;
// Blocks of a session on a local network.
const SESSION = 10;
const report = new Report(process.argv[2]);

// Two of the four are on a machine of their own, where one can be made.
let apart;
let alone;
try {
	apart = machineApart('ogpu-faults', '10.117.83');
} catch (error) {
	alone = error.message;
}
const hosts = apart ? [apart.near, apart.near, apart, apart, apart.near] : [];
// Nodes by number. The first, which api and clients talk to, is never killed, the fourth is started again, and the fifth is
// taken over from: it validates nothing, so that blocks stay final without it and one validator more. Who is meant gets a
// task by its country, or by asking least.
const [SAFE, RESTARTED, TAKEN_OVER] = [0, 3, 4];
const network = localNetwork({
	rpcBase: 29944, p2pBase: 34333, executorBase: 29960, executors: 5, fullNode: true, cheap: TAKEN_OVER, hosts,
});
network.executors[SAFE].region = REGION + 1;
network.executors[RESTARTED].region = REGION + 2;
report.watch(network, { within: 1500 });

// A task of one client, by the command line.
class Order {
	constructor(context, name, args, manifest = SEARCH) {
		this.context = context;
		this.name = name;
		this.key = `//Faults//${name}`;
		this.out = join(network.folder, name);
		this.command = new Command(network, name, [
			'submit', manifest, '--key', this.key, '--max-price', '5', '--most', '8', '--work', '100', '--out', this.out, ...args,
		]);
	}

	async submitted() {
		this.task = BigInt(await this.command.says('task', 90));
		return this.task;
	}

	// An event about it.
	event(section, method, seconds, matches = () => true) {
		const { events } = this.context;
		return until(`${section}.${method} of task ${this.task}`, () =>
			events.find(section, method, (data) => data.task?.toBigInt() === this.task && matches(data)), seconds);
	}

	ended(seconds) {
		return ended(this.context.api, this.task, seconds);
	}
}

// What remains of a task, once it has ended.
function ended(api, task, seconds) {
	return until(`task ${task} to end`, async () => (await api.query.tasks.records(task)).unwrapOr(null), seconds, 1000);
}

// The number of the provider's node.
const nodeOf = ({ providers }, account) => providers.findIndex(({ address }) => address === account.toString());

// Accounts that may lose something, with what for: whoever is gone misses what it has to do.
const mayLose = new Map();

async function kill({ providers }, index) {
	mayLose.set(providers[index].address, ['NoShow', 'DeadlineMissed']);
	await Promise.all([network.nodes[index].stop('SIGKILL'), network.executors[index].owned ? null : network.executors[index].stop('SIGKILL')]);
}

async function revive(index) {
	if (!network.executors[index].running) await network.executors[index].start();
	network.nodes[index].start();
	await until(`${network.nodes[index].name} to follow again`, async () =>
		(await network.nodes[index].finalised()) >= (await network.nodes[0].finalised()) - 3, 120);
}

// The search with many more tries, so that each of its parts takes some seconds.
function longSearch() {
	return variation(SEARCH, {
		folder: join(network.folder, 'long-search'),
		files: ['search.cl'],
		change: (text) => `${text.replace('{u32: 512}', `{u32: ${LONG}}`).replace('groups: 4', 'groups: 2')}timeouts: {step: 60s, total: 1h}\n`,
	});
}

// A provider acknowledges, its device slows down when the first of two parts is computed, and its machine goes down when that is
// verified. Whoever bid next best, or bids then, takes over after that part, and the provider pays for the rest. `slow` is told
// when it is.
async function takeover(context, slow) {
	const order = new Order(context, 'takeover', ['--time', '60', '--parts', '2', '--region', REGION], longSearch());
	const task = await order.submitted();
	// By the best block: when it is final, much is computed. It need not be who asks least, which may be late with its bid.
	const provider = await until('somebody to have the task', async () => {
		const { status } = (await context.api.query.tasks.tasks(task)).unwrap();
		if (status.isAssigned) return status.asAssigned.to.provider;
		return status.isExecuting && status.asExecuting.by.provider;
	}, 120, 300);
	const index = nodeOf(context, provider);
	const executor = network.executors[index];
	await until('the first part to be computed', async () => {
		assert(order.command.running, order.command.log);
		const { runs } = await executor.call('GET', '/v1/jobs?state=running');
		return runs.some(({ done, of }) => of === UNITS && done >= UNITS / 2);
	}, 240, 200);
	const stopSlowing = executor.slowDown();
	slow();
	const { data } = await order.event('tasks', 'Acknowledged', 60);
	assert(data.provider.eq(provider));
	await order.event('tasks', 'Decided', 300, ({ part, verdict }) => part.eq(0) && verdict.isValid);
	const { progress } = (await context.api.query.tasks.tasks(task)).unwrap();
	assert.equal(progress.rooted.toNumber(), 1, 'both parts were computed');
	stopSlowing();
	await kill(context, index);
	await order.event('tasks', 'Missed', 200, ({ provider }) => provider.eq(data.provider));
	await revive(index);
	const record = await order.ended(420);
	assert.equal(record.ending.type, 'Completed');
	assert.notEqual(record.provider.toString(), data.provider.toString());
	assert.equal(await order.command.ended(60), 0, order.command.log);
	assert.equal(readFileSync(join(order.out, 'best')).length, 65_536);
	const first = context.events.find('tasks', 'Rooted', (rooted) => rooted.task.eq(task) && rooted.attempt.eq(1));
	assert.equal(first.data.part.toNumber(), 1, 'the successor began with a part that was verified');
	return `node ${index} was gone after part 0, another computed part 1 of task ${task}`;
}

// A client submits, and is gone once the provider has its inputs. It comes back for the result.
async function clientGone(context) {
	const order = new Order(context, 'gone', ['--time', '60', '--region', network.executors[SAFE].region]);
	const task = await order.submitted();
	await order.event('tasks', 'Acknowledged', 150);
	await order.command.stop('SIGKILL');
	await order.event('tasks', 'Delivered', 240);
	const fetch = new Command(network, 'gone', ['fetch', task, '--key', order.key, '--out', order.out]);
	assert.equal(await fetch.ended(60), 0, fetch.log);
	const record = await order.ended(120);
	assert.equal(record.ending.type, 'Completed');
	return `task ${task} was verified without its client`;
}

// A client leaves its inputs with an executor, and is gone at once. It comes back for the result.
async function inputsKept(context) {
	const keeper = network.executors[SAFE];
	const order = new Order(context, 'kept', ['--time', '60', '--region', keeper.region, '--detach', '--keep-at', keeper.url, '--keeper-token', keeper.tokenFile]);
	const task = await order.submitted();
	assert.equal(await order.command.ended(60), 0, order.command.log);
	await order.event('tasks', 'Delivered', 300);
	const fetch = new Command(network, 'kept', ['fetch', task, '--key', order.key, '--out', order.out]);
	assert.equal(await fetch.ended(60), 0, fetch.log);
	assert.equal(readFileSync(join(order.out, 'best')).length, 65_536);
	const record = await order.ended(120);
	assert.equal(record.ending.type, 'Completed');
	return `task ${task} had its inputs from ${keeper.name}`;
}

// A program of the client's own submits the task and follows it: the example in JavaScript, in a folder where its packages are
// installed. Meanwhile `ogpu` serves the inputs, and fetches the result when that is there.
async function submittedByProgram({ api }) {
	const [name, key] = ['program', '//Faults//program'];
	const [folder, out] = [join(network.folder, 'javascript'), join(network.folder, name)];
	mkdirSync(folder);
	copyFileSync(PROGRAM, join(folder, 'submit.mjs'));
	symlinkSync(MODULES, join(folder, 'node_modules'));
	const offer = new Command(network, name, ['offer', SEARCH, '--max-price', '5', '--work', '100', '--time', '60']);
	const spec = await offer.says('spec', 60);
	const program = [join(folder, 'submit.mjs'), network.nodes[SAFE].url, key, spec];
	const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 420_000 });
	assert.match(stdout, /delivered: fetch it/);
	const task = BigInt(/is task (\d+)/.exec(stdout)[1]);
	await offer.stop('SIGINT');
	const fetch = new Command(network, name, ['fetch', task, '--key', key, '--out', out]);
	assert.equal(await fetch.ended(60), 0, fetch.log);
	assert.equal(readFileSync(join(out, 'best')).length, 65_536);
	const record = await ended(api, task, 120);
	assert.equal(record.ending.type, 'Completed');
	return `task ${task} was submitted with @polkadot/api alone`;
}

// The commitment of a member to what a task came to, if one makes it whose node nobody else needs.
function commitmentTo({ api, providers }, task) {
	const needed = [SAFE, RESTARTED, TAKEN_OVER];
	return until(`members of the panels of task ${task} to commit`, async () => {
		// By the best block: when it is final, the member has revealed.
		const found = (await api.query.system.events()).map(({ event }) => event);
		const commitment = found.find(({ section, method, data: said }) => section === 'attestations' && method === 'Committed'
			&& said.task.toBigInt() === task && said.abstains.isFalse && !needed.includes(nodeOf({ providers }, said.member)));
		const status = (await api.query.tasks.tasks(task)).unwrapOr(null)?.status;
		const over = !status || status.isDelivered || status.isClosing;
		return (commitment || over) && { commitment };
	}, 300, 500);
}

// Tasks until somebody is drawn for one who can be spared.
const VERIFIED = ['verifier', 'verifier-again', 'verifier-at-last'];

// A member of a panel has committed, and goes down before it reveals.
async function verifierGone(context) {
	let order;
	let commitment;
	for (const name of VERIFIED) {
		order = new Order(context, name, ['--time', '60', '--region', network.executors[SAFE].region]);
		({ commitment } = await commitmentTo(context, await order.submitted()));
		if (commitment) break;
	}
	assert(commitment, 'nobody was drawn who can be spared');
	const { events } = context;
	const { task } = order;
	const { data } = commitment;
	const index = nodeOf(context, data.member);
	await kill(context, index);
	await until('it to lose something for that', () =>
		events.find('trustLock', 'Slashed', ({ who, why }) => who.eq(data.member) && why.isNoShow), 180);
	await revive(index);
	const record = await order.ended(420);
	assert.equal(record.ending.type, 'Completed');
	const revealed = events.find('attestations', 'Revealed', (said) =>
		said.task.toBigInt() === task && said.panel.eq(data.panel) && said.member.eq(data.member));
	assert(!revealed, `node ${index} had revealed when it was killed`);
	return `node ${index} was gone between commit and reveal of task ${task}`;
}

// The provider's node is killed when it has acknowledged, and started again: it goes on.
async function nodeRestarted(context) {
	const order = new Order(context, 'restarted', ['--time', '60', '--region', network.executors[RESTARTED].region]);
	const task = await order.submitted();
	const { data } = await order.event('tasks', 'Acknowledged', 150);
	const index = nodeOf(context, data.provider);
	assert.equal(index, RESTARTED);
	mayLose.set(context.providers[index].address, ['NoShow']);
	await network.nodes[index].stop('SIGKILL');
	await sleep(6_000);
	await revive(index);
	const record = await order.ended(300);
	assert.equal(record.ending.type, 'Completed');
	assert.equal(record.provider.toString(), data.provider.toString());
	return `node ${index} was started again, and completed task ${task}`;
}

// Whether every validator has been heard in this session.
async function allHeard(api) {
	const [session, validators] = await Promise.all([api.query.session.currentIndex(), api.query.session.validators()]);
	const heard = await Promise.all(validators.map(async (validator, index) => {
		const [heartbeat, blocks] = await Promise.all([
			api.query.imOnline.receivedHeartbeats(session, index), api.query.imOnline.authoredBlocks(session, validator),
		]);
		return heartbeat.isSome || !blocks.isZero();
	}));
	return heard.every(Boolean);
}

// The sessions of the split. Whoever is not heard in one of these was away.
const cutOff = { from: Infinity, to: -Infinity };

// The cable between two and two validators is pulled while somebody computes: nothing is final until it is plugged in.
async function splitAndHealed(context) {
	const { api } = context;
	const order = new Order(context, 'split', ['--time', '60']);
	const task = await order.submitted();
	await order.event('tasks', 'Acknowledged', 150);
	// Whoever is not heard in the whole of a session is away, and two of four are too many. So everybody has been heard in this one, and
	// most of the next is left when the cable is in again.
	await until('a session in which everybody has been heard', async () => {
		const [index, slot, genesis] = await Promise.all([api.query.babe.epochIndex(), api.query.babe.currentSlot(), api.query.babe.genesisSlot()]);
		const into = slot.toNumber() - genesis.toNumber() - index.toNumber() * SESSION;
		return into <= 0.7 * SESSION && allHeard(api);
	}, 120, 300);
	cutOff.from = (await api.query.session.currentIndex()).toNumber();
	apart.pull();
	const pulled = Date.now();
	const [near, far] = [network.nodes[0], network.nodes[3]];
	await sleep(3_000);
	const final = await near.finalised();
	const heads = await Promise.all([near, far].map((node) => node.best()));
	const later = await until('each half to make blocks', async () => {
		const now = await Promise.all([near, far].map((node) => node.best()));
		return now.every((head, index) => head > heads[index]) && now;
	}, 18);
	assert((await near.finalised()) <= final + 2, 'half of the validators agreed on a final block');
	apart.plug();
	const seconds = Math.round((Date.now() - pulled) / 1000);
	await until('both halves to agree on more blocks', async () => {
		const height = await near.finalised();
		return height > Math.max(...later) && (await far.finalised()) >= height - 3;
	}, 180, 1000);
	cutOff.to = (await api.query.session.currentIndex()).toNumber();
	const record = await order.ended(420);
	assert.equal(record.ending.type, 'Completed');
	return `two halves for ${seconds} s; task ${task} was completed`;
}

// A provider proves how fast its device is.
async function ratingProven({ api, providers: [, provider] }) {
	const applied = await send(api, provider, api.tx.ratings.apply(2));
	const trial = applied.find(({ method }) => method === 'Applied').data.trial.toBigInt();
	const again = await sendExpectingError(api, provider, api.tx.ratings.apply(2));
	assert(again.includes('ratings.InTrial'), again);
	let rating = 0;
	await until('the trial to be computed and verified', async () => {
		rating = (await api.query.providers.providers(provider.address)).unwrap().rating.toNumber();
		const over = (await api.query.ratings.trials(trial)).isNone;
		assert(rating > 0 || !over, `trial ${trial} has proven nothing`);
		return rating > 0;
	}, 300);
	assert(rating <= 2, `it is said to do ${rating}`);
	return `a rating of ${rating}, as trial ${trial}`;
}

// A job whose kernel writes past the end of a buffer. Nodes see that when they are asked what it would cost, and do not
// bid; somebody without a node does, and says so once it has the task. A panel of the nodes agrees. The client has that
// looked at again, by judges of whom there are none left, and gets back what is left.
async function jobAtFault(context) {
	const { api, events } = context;
	const byHand = keyring.addFromUri('//Faults//by-hand');
	await send(api, ferdie, api.tx.balances.transferKeepAlive(byHand.address, 1_100n * OGPU));
	await registered(api, byHand, 'by hand', nowhere('03'));
	const manifest = variation(SEARCH, {
		folder: join(network.folder, 'at-fault'), files: ['search.cl'], change: (text) => text.replace('len: 16384', 'len: 8192'),
	});
	const order = new Order(context, 'fault', ['--time', '20', '--detach'], manifest);
	const task = await order.submitted();
	const { seal, open } = bidsByHand(api, task);
	await seal(byHand, OGPU);
	await until('bids to be opened', async () => (await api.query.tasks.tasks(task)).unwrap().status.isRevealing, 60);
	await Promise.all([open(byHand, OGPU), heartbeat(api, byHand)]);
	await until('the task to be assigned', async () => (await api.query.tasks.tasks(task)).unwrap().status.isAssigned, 60);
	await send(api, byHand, api.tx.tasks.act({ Claim: { task, attempt: 0, claim: 'Rejected' } }));
	// Whoever judges it needs the job, which the client serves.
	const watch = new Command(network, 'fault', ['watch', task]);
	const { data } = await order.event('tasks', 'FoundAtFault', 300);
	assert.equal(data.ending.type, 'Rejected');
	await watch.stop('SIGTERM');
	const appeal = new Command(network, 'fault', ['appeal', task, '--key', order.key]);
	assert.equal(await appeal.ended(60), 0, appeal.log);
	await until('the appeal to come to nothing', () => events.find('attestations', 'AppealLost', (lost) => lost.task.eq(task)), 120);
	const again = new Command(network, 'fault', ['appeal', task, '--key', order.key]);
	assert.equal(await again.ended(60), 5, again.log);
	const record = await order.ended(60);
	assert.deepEqual([record.ending.type, record.paid.toBigInt()], ['Rejected', 0n]);
	return `task ${task}: claimed, judged, appealed, ended`;
}

console.log(`faults: ${network.folder}`);
const alice = await network.start();
const api = await connect(alice);
const { ferdie } = await wellKnownAccounts();
const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
const clients = ['kept', 'takeover', 'gone', ...VERIFIED, 'restarted', 'split', 'fault', 'program'].map((name) => keyring.addFromUri(`//Faults//${name}`));
await send(api, ferdie, api.tx.utility.batchAll(clients.map(({ address }) => api.tx.balances.transferKeepAlive(address, 1_000n * OGPU))));
const providers = await providersOnNodes({ api, network, funder: ferdie });
const events = new EventLog(api, await alice.finalised());
let done = false;
const following = events.follow(() => done);
const context = { api, events, providers };
const scenario = (name, run) => report.scenario(name, () => run(context));
// Its job is long: were devices busy when they are asked what it would take, nobody would bid for it.
let slow;
const isSlow = new Promise((resolve) => { slow = resolve; });
const gone = scenario('a provider that is gone once it has acknowledged', (all) => takeover(all, slow)).finally(slow);
await isSlow;
const others = [
	scenario('a node that is started again in the middle of its task', nodeRestarted),
	scenario('a client that leaves its inputs with an executor', inputsKept),
	scenario('a client that is gone once it has submitted', clientGone),
	scenario('a client that is a program of its own', submittedByProgram),
	scenario('a job that is at fault, and an appeal', jobAtFault),
	scenario('a rating that is proven', ratingProven),
];
// Without two of the nodes panels would be short of members; and whoever has taken the long job over must not go down.
await gone;
await scenario('a verifier that is gone between commit and reveal', verifierGone);
await Promise.all(others);
const split = 'a network that falls in two halves, and heals';
if (apart) await scenario(split, splitAndHealed);
else report.skip(split, alone);
done = true;
await following;
await scenario('nobody is convicted or slashed but for being away, and nothing is left in escrow', async () => {
	assert(!events.find('tasks', 'Convicted'), 'somebody honest was convicted');
	// Slashes are reported just before what they are for. Whoever is not heard in a session is away, which costs nothing alone. Halves that
	// have lost each other may need a minute to sync again, which is two sessions here: in those there may be two, who pay for it.
	let slashes = [];
	for (const event of events.seen) {
		const { data } = event;
		if (isOf(event, 'staking', 'SlashReported') && !data.fraction.isZero()) slashes.push(data.toString());
		if (!isOf(event, 'offences', 'Offence')) continue;
		const [kind, session] = [data[0].toUtf8(), Buffer.from(data[1]).readUInt32LE()];
		assert.equal(kind, 'im-online:offlin');
		const wereCutOff = cutOff.from <= session && session <= cutOff.to;
		assert(wereCutOff || slashes.length === 0, `validators are to be slashed for session ${session}: ${slashes.join(', ')}`);
		slashes = [];
	}
	assert(slashes.length === 0, `validators are to be slashed: ${slashes.join(', ')}`);
	mayLose.set(keyring.addFromUri('//Faults//fault').address, ['JobAtFault', 'AppealLost']);
	for (const { who, why } of events.data('trustLock', 'Slashed')) {
		assert(mayLose.get(who.toString())?.includes(why.type), `${who} is slashed: ${why.type}`);
	}
	for (const { address } of clients) {
		await until('the escrow to be empty', async () => (await api.query.tasks.escrows(address)).isEmpty, 60);
	}
});
await api.disconnect();
await report.end();

// The local network, for people: four validators, all of them providers, one of which cheats, and clients who have
// something computed: a classifier trained, digits recognised with it, a picture rendered.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLog, OGPU, connect, wellKnownAccounts } from './chain.mjs';
import { localNetwork, sleep, until } from './nodes.mjs';
import { providersOnNodes } from './providers.mjs';
import { openStream, recognise, render, train } from './purchases.mjs';

const once = process.argv.includes('--once');
const FINALISED = 3;
const CHEAT = 3;
const started = Date.now();
const seconds = () => Math.round((Date.now() - started) / 1000);

const network = localNetwork({ executors: 4, cheat: CHEAT });
let stopping = false;
// Where what happened is, once it has.
let summary;
const tellSummary = () => console.log(`what happened, as JSON: ${summary}`);
async function stop(code) {
	if (stopping) return;
	stopping = true;
	console.log('stopping the network');
	await network.stop();
	if (summary) tellSummary();
	process.exit(code);
}
process.on('SIGINT', () => stop(once ? 130 : 0));
process.on('SIGTERM', () => stop(once ? 143 : 0));

const amount = (units) => Number(units / 10n ** 12n) / 1e6;
const say = (text) => console.log(`(${seconds()} s) ${text}`);

const parts = {};
// Notes how long something took.
async function part(name, run) {
	const begun = seconds();
	const result = await run();
	parts[name] = seconds() - begun;
	return result;
}

// What each provider has, collateral included.
async function fortunes(api, providers) {
	return Promise.all(providers.map(async ({ address }) => {
		const [{ data }, ledger] = await Promise.all([api.query.system.account(address), api.query.trustLock.ledgers(address)]);
		return data.free.toBigInt() + ledger.bonded.toBigInt();
	}));
}

// Follows the events by which people see what becomes of the cheat.
async function watchCheat(events, cheat) {
	const shown = ({ section, method, data }) => {
		if (section === 'tasks' && method === 'Convicted' && data.provider.eq(cheat)) {
			return `task ${data.task}: unit ${data.unit} is false, and the cheat is convicted`;
		}
		if (section === 'trustLock' && method === 'Slashed' && data.who.eq(cheat)) return `the cheat is slashed: ${data.why.type}`;
		return null;
	};
	let told = 0;
	return until('the cheat to be convicted and slashed', () => {
		for (; told < events.seen.length; told += 1) {
			const text = shown(events.seen[told]);
			if (text) say(text);
		}
		const convicted = events.find('tasks', 'Convicted', ({ provider }) => provider.eq(cheat));
		const slashed = events.find('trustLock', 'Slashed', ({ who, why }) => who.eq(cheat) && why.isFalseResult);
		return convicted && slashed ? { convicted: convicted.data.toHuman(), slashed: slashed.data.toHuman() } : null;
	}, 420, 1000);
}

try {
	console.log(`starting four validators; databases and logs are in ${network.folder}`);
	const alice = await part('start', () => network.start());
	for (let seen = -1; seen < FINALISED; await sleep(1000)) {
		const now = await alice.finalised();
		if (now > seen) console.log(`block #${await alice.best()}, finalised #${now}`);
		seen = now;
	}

	const api = await connect(alice);
	const [chain, validators] = await Promise.all([api.rpc.system.chain(), api.query.session.validators()]);
	console.log(`\n${chain} is running: ${validators.length} validators. Endpoints:`);
	for (const node of network.nodes) console.log(`  ${node.name.padEnd(8)} ${node.url}`);
	console.log(`
To attach polkadot.js apps, open https://polkadot.js.org/apps/?rpc=${encodeURIComponent(alice.url)}
(or: network menu, Development, custom endpoint ${alice.url}).
Funded accounts: //Alice, //Bob, //Charlie, //Dave, //Eve, //Ferdie, //One, //Two.
`);

	const { ferdie } = await wellKnownAccounts();
	say('the four become providers, each with a seat from which verifiers are drawn; dave makes up what it computes');
	const providers = await part('providers', () => providersOnNodes({ api, network, funder: ferdie }));
	const before = await fortunes(api, providers);
	const events = new EventLog(api, await alice.finalised());
	const following = events.follow(() => stopping);
	following.catch(() => {});

	say('two clients have a classifier trained, and a picture rendered, by auction; a third opens a stream:');
	const cheat = providers[CHEAT].address;
	const [trained, picture, verdict] = await Promise.all([
		Promise.all([part('stream', () => openStream(network)), part('training', () => train(network))]).then(([stream, weights]) => {
			say('with the weights that came, requests are raced for:');
			return part('inference', () => recognise(network, stream, weights));
		}),
		part('picture', () => render(network)),
		part('cheat', () => watchCheat(events, cheat)),
	]);
	say(`${trained.right} of ${trained.of} digits are recognised, which training never saw: ${(trained.accuracy * 100).toFixed(1)} %`);
	say(`the picture is ${picture}`);

	const after = await fortunes(api, providers);
	const paid = providers.map(({ address }, index) => ({ provider: address, earned: amount(after[index] - before[index]) }));
	say('what each provider has more than before, collateral included:');
	for (const [index, { provider, earned }] of paid.entries()) {
		console.log(`  ${network.nodes[index].name.padEnd(8)} ${provider} ${earned} oGPU${index === CHEAT ? ' (the cheat)' : ''}`);
	}
	const [issued, scheduled] = (await Promise.all([api.query.balances.totalIssuance(), api.query.token.scheduled()]))
		.map((number) => number.toBigInt());
	console.log(`supply: ${amount(issued)} oGPU there are, ${amount(scheduled)} of 21000000 are scheduled so far`);
	const told = {
		seconds: seconds(),
		parts,
		finalised: await alice.finalised(),
		issued: Number(issued / OGPU),
		scheduled: Number(scheduled / OGPU),
		accuracy: trained.accuracy,
		picture,
		paid,
		...verdict,
	};
	const file = join(tmpdir(), 'ogpu-demo.json');
	writeFileSync(file, `${JSON.stringify(told, null, '\t')}\n`);

	summary = file;
	if (once) await stop(0);
	tellSummary();
	console.log('\nCtrl-C stops the network. Meanwhile, in another terminal:');
	console.log(`  . scripts/env && $OGPU_BIN/ogpu tasks --node ${alice.url}`);
	for (;;) {
		await sleep(2000);
		if (!stopping) network.assertRunning();
	}
} catch (error) {
	// What fails while the network is being stopped is no failure.
	if (stopping) await new Promise(() => {});
	console.error(`Error: ${error.message}`);
	await network.stop({ keep: true });
	console.error(`the logs are in ${network.folder}`);
	process.exit(1);
}

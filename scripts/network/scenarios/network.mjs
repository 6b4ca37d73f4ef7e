// The network's own life: finality, a crash, a newcomer, an equivocation.

import assert from 'node:assert/strict';
import { send, OGPU } from '../chain.mjs';
import { sleep, until } from '../nodes.mjs';

// Blocks are finalised all the time, and every node finalises the same ones.
export async function finalityAdvances({ network, finished }) {
	let last = 0;
	let advanced = Date.now();
	const [alice] = network.nodes;
	while (!finished()) {
		network.assertRunning();
		// A question that a busy node leaves unanswered counts against the same minute.
		const now = await alice.finalised().catch(() => last);
		if (now > last) advanced = Date.now();
		last = Math.max(last, now);
		assert(Date.now() - advanced < 60_000, `nothing was finalised after #${last} for a minute`);
		await sleep(5000);
	}
	const height = last - 5;
	const running = network.nodes.filter((node) => node.running);
	assert(running.length >= 5, `only ${running.length} nodes are left`);
	for (const node of running) {
		await until(`${node.name} to finalise #${height}`, async () => (await node.finalised()) >= height, 60);
	}
	const hashes = await Promise.all(running.map((node) => node.rpc('chain_getBlockHash', height)));
	assert.equal(new Set(hashes).size, 1, `the nodes disagree about #${height}`);
	return `#${last}`;
}

// A validator that is killed and comes back loses nothing but time.
export async function crashAndRestart({ network, api, accounts, events }) {
	const [alice, , , dave] = network.nodes;
	const stash = accounts.dave.address;
	await until('the first finalised blocks', async () => (await alice.finalised()) >= 2, 60);
	const bonded = (await api.query.staking.ledger(stash)).unwrap().active.toBigInt();

	await dave.stop('SIGKILL');
	const before = await alice.finalised();
	const session = (await api.query.session.currentIndex()).toNumber();
	await until('finality without a fourth validator', async () => (await alice.finalised()) >= before + 12, 120);
	// Long enough to miss a whole session: one with a heartbeat or a block in it is not missed.
	await until('a session without it', async () =>
		(await api.query.session.currentIndex()).toNumber() >= session + 2, 90, 1000);

	dave.start();
	await until('the restarted validator to catch up', async () =>
		(await dave.finalised()) >= (await alice.finalised()) - 3, 90);
	const caughtUp = await dave.finalised();
	await until('the restarted validator to go on', async () => (await dave.finalised()) > caughtUp + 3, 60);

	// The miss is reported, and weighs nothing. A slash would be reported at once and applied later.
	await until('the miss to be noticed', () => events.find('imOnline', 'SomeOffline', ([offline]) =>
		offline.some(([who]) => who.eq(stash))), 90, 1000);
	const slash = events.find('staking', 'SlashReported', ([who, fraction]) => who.eq(stash) && !fraction.isZero());
	assert(!slash, 'the validator is to be slashed for one miss');
	const ledger = (await api.query.staking.ledger(stash)).unwrap();
	assert.equal(ledger.active.toBigInt(), bonded);
	const disabled = (await api.query.session.disabledValidators()).map(([index]) => index.toNumber());
	const position = (await api.query.session.validators()).findIndex((who) => who.eq(stash));
	assert(!disabled.includes(position), 'it is disabled for one miss');
	const candidates = await api.query.staking.validators.keys();
	assert(candidates.some(({ args: [candidate] }) => candidate.eq(stash)), 'it is no candidate any more');
	assert(!events.find('staking', 'Chilled', ([who]) => who.eq(stash)), 'it was chilled for one miss');
	return `killed at #${before}, back at #${caughtUp}`;
}

// A fifth node gets the state by warp sync, and its operator becomes a validator through it.
export async function newcomerIsElected({ network, api, accounts }) {
	const [alice] = network.nodes;
	await until('some history to skip', async () => (await alice.finalised()) >= 12, 90);
	const eve = network.node('eve', { args: ['--validator', '--sync', 'warp', '--unsafe-force-node-key-generation'] }).start();
	await until('the warp sync', () => eve.log.includes('Warp sync is complete'), 90);
	await until('the newcomer to follow the chain', async () =>
		(await eve.finalised()) >= (await alice.finalised()) - 3, 60);

	// Polkadot.js does not know this method yet; the plain one gives no proof, and one is needed.
	const owner = accounts.eve;
	const { keys, proof } = await eve.rpc('author_rotateKeysWithOwner', `0x${Buffer.from(owner.publicKey).toString('hex')}`);
	await send(api, owner, api.tx.staking.bond(100_000n * OGPU, 'Staked'));
	await send(api, owner, api.tx.session.setKeys(keys, proof));
	await send(api, owner, api.tx.staking.validate({ commission: 0, blocked: false }));

	await until('the newcomer to be elected', async () =>
		(await api.query.session.validators()).some((who) => who.eq(owner.address)), 300, 2000);
	await until('a block by the newcomer', () => eve.log.includes('Pre-sealed block for proposal'), 90, 1000);
	return `elected for session ${await api.query.session.currentIndex()}`;
}

// Running a validator twice is an equivocation, and costs part of the bond.
export async function equivocatorIsSlashed({ network, api, accounts, events, crashed }) {
	await crashed;
	const stash = accounts.bob.address;
	const bonded = (await api.query.staking.ledger(stash)).unwrap().active.toBigInt();
	const twin = network.node('bob-twin', { args: ['--validator', '--bob'] }).start();
	// It votes twice as well, but a report of that may come too late for its set of voters.
	await until('two blocks in one slot to be reported', () => events.find('offences', 'Offence', ([kind]) =>
		Buffer.from(kind.toU8a()).toString() === 'babe:equivocatio'), 150, 1000);
	await until('the slash to be recorded', () => events.find('staking', 'SlashReported', ([who, fraction]) =>
		who.eq(stash) && !fraction.isZero()), 30, 1000);
	await twin.stop();
	const slashed = await until('the slash to be applied', () =>
		events.find('staking', 'Slashed', ([who]) => who.eq(stash)), 330, 2000);
	const left = (await api.query.staking.ledger(stash)).unwrap().active.toBigInt();
	assert(left < bonded, 'the bond did not shrink');
	return `${slashed.data[1].toBigInt() / OGPU} oGPU of ${bonded / OGPU}`;
}

// Eras end, and what they schedule can be claimed; the token's books add up.
export async function erasPayOut({ api, accounts, events }) {
	await until('the first era to be paid', () => events.find('staking', 'EraPaid'), 240, 1000);
	const scheduled = events.find('token', 'EraScheduled');
	assert(scheduled, 'the token pallet scheduled nothing');
	const validator = accounts.alice.address;
	const era = events.find('staking', 'EraPaid').data[0];
	const paid = await send(api, accounts.two, api.tx.staking.payoutStakersByPage(validator, era, 0));
	const reward = paid.find(({ section, method }) => section === 'staking' && method === 'Rewarded');
	assert(reward, 'nobody was rewarded');

	// All at one block: an era may end in between.
	const { query } = await api.at(await api.rpc.chain.getFinalizedHead());
	const [total, minted, all, budget] = await Promise.all([
		query.token.scheduled(), query.token.minted(), query.balances.totalIssuance(), query.token.providerBudget(),
	]).then((values) => values.map((value) => value.toBigInt()));
	assert(total < 21_000_000n * OGPU, 'the cap is passed');
	assert(minted + budget <= total && all <= minted, `the books do not add up: ${[total, minted, all, budget]}`);
	return `era ${era}: ${reward.data[2].toBigInt() / 10n ** 15n} milli-oGPU to one validator`;
}

// Looked at when everything else is over, so that deferred slashes would have been applied.
export async function onlyTheEquivocatorWasSlashed({ accounts, events }) {
	const innocent = (who) => !who.eq(accounts.bob.address);
	// While all nodes compile a runtime on the same processors, blocks do not come for most of a session: who is heard in that
	// one, and in the one in which it began, is chance.
	const [upgraded = Infinity] = events.indices('system', 'CodeUpdated');
	const [, compiled = Infinity] = events.indices('session', 'NewSession').filter((index) => index > upgraded);
	const chance = (index) => index > upgraded && index < compiled;
	assert(!events.find('staking', 'Slashed', ([who]) => innocent(who)), 'somebody else was slashed');
	const reported = events.indices('staking', 'SlashReported').filter((index) => !chance(index)).map((index) => events.seen[index].data);
	assert(!reported.some(([who, fraction]) => innocent(who) && !fraction.isZero()), 'somebody else is to be slashed');
	assert(!events.find('staking', 'Chilled', ([who]) => innocent(who)), 'somebody else was chilled');
}

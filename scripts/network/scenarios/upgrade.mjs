// A runtime upgrade without a fork, by referendum and ordinary signed calls.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blake2AsHex, xxhashAsHex } from '@polkadot/util-crypto';
import { u8aToHex } from '@polkadot/util';
import { send, sendExpectingError, OGPU } from '../chain.mjs';
import { Command, sleep, until } from '../nodes.mjs';

const SUCCESSOR = 'wbuild/ogpu-runtime-successor/ogpu_runtime_successor.compact.compressed.wasm';

// Takes a call through the Root track.
async function enactByReferendum(api, accounts, call) {
	const { alice, bob, charlie, dave, eve, two } = accounts;
	const vote = (oGPU) => ({
		Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance: oGPU * OGPU },
	});
	const events = await send(api, alice, api.tx.referenda.submit(
		{ system: 'Root' }, { Inline: call.method.toHex() }, { After: 1 },
	));
	const index = events.find(({ method }) => method === 'Submitted').data[0];
	await send(api, alice, api.tx.referenda.placeDecisionDeposit(index));
	// Bob may have lost part of his bond by then.
	const votes = [[alice, 200_000n], [bob, 150_000n], [charlie, 230_000n], [dave, 230_000n], [eve, 230_000n], [two, 230_000n]];
	await Promise.all(votes.map(([voter, oGPU]) => send(api, voter, api.tx.convictionVoting.vote(index, vote(oGPU)))));
	await until(`referendum ${index} to pass`, async () =>
		(await api.query.referenda.referendumInfoFor(index)).unwrap().isApproved, 180, 1500);
	return index;
}

const authorised = async (api) => {
	const found = await api.query.system.authorizedUpgrade();
	return found.isSome ? found.unwrap().codeHash.toHex() : undefined;
};

// All nodes compile the new runtime at once, here on one machine: no blocks come for the better part of a session. Late in one,
// its heartbeats are in blocks already, and the next one has its second half left for its own.
async function untilLateInASession(api) {
	const length = api.consts.babe.epochDuration.toNumber();
	await until('the last third of a session', async () => {
		const [slot, first] = await Promise.all([api.query.babe.currentSlot(), api.query.babe.genesisSlot()]);
		return (slot.toNumber() - first.toNumber()) % length === length - 3;
	}, 90, 300);
}

export async function upgradeByReferendum({ network, api, accounts, events, beforeUpgrade }) {
	const code = u8aToHex(readFileSync(join(process.env.OGPU_BIN, SUCCESSOR)));
	const anybody = accounts.two;
	const versionBefore = api.runtimeVersion.specVersion.toNumber();
	await until('the chain to run', async () => (await network.nodes[0].finalised()) >= 2, 60);

	// Authorised, but no runtime: refused, and the authorisation is used up.
	const junk = `0x${'00'.repeat(1000)}`;
	await enactByReferendum(api, accounts, api.tx.system.authorizeUpgrade(blake2AsHex(junk)));
	await until('the authorisation of the junk', async () => (await authorised(api)) === blake2AsHex(junk));
	const rejected = await send(api, anybody, api.tx.system.applyAuthorizedUpgrade(junk));
	assert(rejected.some(({ method }) => method === 'RejectedInvalidAuthorizedUpgrade'), 'junk was not refused');
	assert.equal(await authorised(api), undefined);

	await enactByReferendum(api, accounts, api.tx.system.authorizeUpgrade(blake2AsHex(code)));
	await until('the authorisation', async () => (await authorised(api)) === blake2AsHex(code));

	// Not what was authorised: refused, and the authorisation stays.
	const error = await sendExpectingError(api, anybody, api.tx.system.applyAuthorizedUpgrade(junk));
	assert.match(error, /Unauthorized/);
	assert.equal(await authorised(api), blake2AsHex(code));

	await beforeUpgrade;
	const untouched = [
		api.query.timing.chosenProfile.key(), api.query.babe.genesisSlot.key(),
		api.query.staking.bonded.key(accounts.alice.address), api.query.session.nextKeys.key(accounts.alice.address),
	];
	const stateBefore = await Promise.all(untouched.map((key) => network.nodes[0].rpc('state_getStorage', key)));
	await untilLateInASession(api);
	// While polkadot.js swaps its types it may fail to decode the events of this very block, so the
	// chain is asked instead, below.
	await send(api, anybody, api.tx.system.applyAuthorizedUpgrade(code)).catch(() => {});

	const node = network.nodes[0];
	const spec = async () => (await node.rpc('state_getRuntimeVersion')).specVersion;
	await until('the new version', async () => (await spec()) === versionBefore + 1, 60);
	// A client signs by what is final, of which this is not yet.
	const client = new Command(network, 'upgraded', ['provider', 'bond', '1', '--key', '//Two']);
	const height = await node.best();
	await until('blocks after the upgrade', async () => (await node.finalised()) >= height + 3, 60);

	assert.equal(await client.ended(60), 0, client.log);
	await until('the event of the upgrade', () => events.find('system', 'CodeUpdated'), 30);

	// The migration ran, once, and saw the old state.
	const upgradedAt = await node.rpc('state_getStorage', xxhashAsHex('Timing', 128) + xxhashAsHex('UpgradedAt', 128).slice(2));
	assert(upgradedAt, 'the migration left no trace');
	assert.equal(upgradedAt.slice(-2), '01', 'the migration did not see the fast profile');
	const storageVersion = await node.rpc('state_getStorage', xxhashAsHex('Timing', 128) + xxhashAsHex(':__STORAGE_VERSION__:', 128).slice(2));
	assert.equal(storageVersion, '0x0200');
	const stateAfter = await Promise.all(untouched.map((key) => node.rpc('state_getStorage', key)));
	assert(stateBefore.every(Boolean), 'there is nothing to compare');
	assert.deepEqual(stateAfter, stateBefore, 'state was lost');

	// And people go on as before.
	await until('the api to follow', () => api.runtimeVersion.specVersion.toNumber() === versionBefore + 1, 30);
	await sleep(1000);
	await send(api, accounts.two, api.tx.balances.transferKeepAlive(accounts.one.address, OGPU));
	return `version ${versionBefore} to ${versionBefore + 1} after two referenda`;
}

// What people do in polkadot.js apps, one call each.

import assert from 'node:assert/strict';
import { send, OGPU } from '../chain.mjs';
import { until } from '../nodes.mjs';

// Every call, event, error, constant and storage item of every pallet decodes.
export async function metadataDecodes({ api }) {
	const { pallets } = api.runtimeMetadata.asLatest;
	let items = 0;
	for (const pallet of pallets) {
		for (const part of ['calls', 'events', 'errors']) {
			if (pallet[part].isNone) continue;
			const type = api.registry.createLookupType(pallet[part].unwrap().type);
			// Instantiating a type makes the registry resolve everything inside it.
			api.registry.createType(type);
			items += api.registry.lookup.getSiType(pallet[part].unwrap().type).def.asVariant.variants.length;
		}
		for (const { name, type, value } of pallet.constants) {
			assert.doesNotThrow(() => api.registry.createType(api.registry.createLookupType(type), value.toU8a(true)), `${pallet.name}.${name}`);
			items += 1;
		}
		for (const entry of pallet.storage.isSome ? pallet.storage.unwrap().items : []) {
			const type = entry.type.isPlain ? entry.type.asPlain : entry.type.asMap.value;
			const fallback = entry.fallback.toU8a(true);
			if (entry.modifier.isDefault) api.registry.createType(api.registry.createLookupType(type), fallback);
			else api.registry.createType(api.registry.createLookupType(type));
			items += 1;
		}
	}
	assert(pallets.length >= 30, 'pallets are missing');
	return `${pallets.length} pallets, ${items} items`;
}

// Properties that apps shows beside amounts and addresses.
export async function propertiesAreSet({ api, accounts: { alice, two } }) {
	const properties = await api.rpc.system.properties();
	assert.equal(properties.tokenSymbol.toString(), '[oGPU]');
	assert.equal(properties.tokenDecimals.toString(), '[18]');
	assert.equal(properties.ss58Format.toString(), '42');
	const dry = await api.tx.balances.transferKeepAlive(two.address, OGPU).paymentInfo(alice.address);
	assert(dry.partialFee.toBigInt() > 0n);
	return `a transfer costs ${Number(dry.partialFee.toBigInt()) / 1e18} oGPU`;
}

export async function accountsAndMoney({ api, accounts: { ferdie, one, two } }) {
	const fresh = `0x${'07'.repeat(32)}`;
	await send(api, ferdie, api.tx.balances.transferKeepAlive(fresh, 5n * OGPU));
	assert.equal((await api.query.system.account(fresh)).data.free.toBigInt(), 5n * OGPU);

	const batch = await send(api, ferdie, api.tx.utility.batchAll([
		api.tx.balances.transferKeepAlive(fresh, OGPU),
		api.tx.system.remarkWithEvent('0x6f475055'),
	]));
	assert(batch.some(({ method }) => method === 'BatchCompleted'));

	await send(api, ferdie, api.tx.proxy.addProxy(one.address, 'NonTransfer', 0));
	const proxied = await send(api, one, api.tx.proxy.proxy(ferdie.address, null, api.tx.system.remarkWithEvent('0x01')));
	assert(proxied.some(({ section, method, data }) => section === 'proxy' && method === 'ProxyExecuted' && data[0].isOk));
	const refused = await send(api, one, api.tx.proxy.proxy(ferdie.address, null, api.tx.balances.transferKeepAlive(two.address, OGPU)));
	assert(refused.some(({ method, data }) => method === 'ProxyExecuted' && data[0].isErr), 'a NonTransfer proxy moved funds');
	await send(api, ferdie, api.tx.proxy.removeProxies());

	await send(api, ferdie, api.tx.identity.setIdentity({ display: { Raw: 'Ferdie' } }));
	await send(api, ferdie, api.tx.identity.clearIdentity());
	await send(api, ferdie, api.tx.multisig.asMultiThreshold1([one.address], api.tx.system.remark('0x02')));
	await send(api, ferdie, api.tx.vesting.vestedTransfer(fresh, { locked: 10n * OGPU, perBlock: OGPU, startingBlock: 1 }));
}

export async function stakingAndPools({ api, accounts: { one, two, ferdie, alice } }) {
	await send(api, ferdie, api.tx.staking.bond(1_000n * OGPU, 'Staked'));
	await send(api, ferdie, api.tx.staking.nominate([alice.address]));
	assert.equal((await api.query.staking.nominators(ferdie.address)).unwrap().targets.length, 1);

	await send(api, one, api.tx.nominationPools.create(100n * OGPU, one.address, one.address, one.address));
	await send(api, two, api.tx.nominationPools.join(50n * OGPU, 1));
	await send(api, one, api.tx.nominationPools.nominate(1, [alice.address]));
	const pool = (await api.query.nominationPools.bondedPools(1)).unwrap();
	assert.equal(pool.points.toBigInt(), 150n * OGPU);
	assert.equal((await api.call.nominationPoolsApi.memberTotalBalance(two.address)).toBigInt(), 50n * OGPU);
	assert.equal((await api.call.stakingApi.nominationsQuota(100n * OGPU)).toNumber(), 16);
	assert((await api.query.voterList.counterForListNodes()).toNumber() >= 6);
}

// A proposal whose preimage is noted, deposits, votes with conviction, and funds that come free.
export async function votingFromEndToEnd({ api, accounts: { ferdie, one } }) {
	const call = api.tx.system.remarkWithEvent(`0x${'ab'.repeat(200)}`).method;
	await send(api, ferdie, api.tx.preimage.notePreimage(call.toHex()));
	const events = await send(api, ferdie, api.tx.referenda.submit(
		{ Origins: 'SmallSpender' }, { Lookup: { hash: call.hash.toHex(), len: call.encodedLength } }, { After: 1 },
	));
	const index = events.find(({ method }) => method === 'Submitted').data[0];
	await send(api, ferdie, api.tx.referenda.placeDecisionDeposit(index));
	const vote = { Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance: 100_000n * OGPU } };
	await send(api, ferdie, api.tx.convictionVoting.vote(index, vote));
	await send(api, one, api.tx.convictionVoting.vote(index, { ...vote, Standard: { ...vote.Standard, balance: 120_000n * OGPU } }));

	await until('the referendum to be decided', async () =>
		(await api.query.referenda.referendumInfoFor(index)).unwrap().isApproved, 200, 2000);
	await send(api, ferdie, api.tx.referenda.refundDecisionDeposit(index));
	await send(api, ferdie, api.tx.convictionVoting.removeVote(21, index));
	const locked = async () => (await api.query.balances.locks(ferdie.address)).some(({ id }) => id.toUtf8() === 'pyconvot');
	assert(await locked(), 'the conviction locks nothing');
	await until('the vote to be unlocked', async () => {
		await send(api, ferdie, api.tx.convictionVoting.unlock(21, ferdie.address));
		return !(await locked());
	}, 120, 6000);
	await send(api, ferdie, api.tx.preimage.unnotePreimage(call.hash.toHex())).catch((error) => {
		// The scheduler has dropped it already where the call was dispatched.
		assert.match(error.message, /preimage\.(NotNoted|NotAuthorized|Requested)/);
	});
	return `referendum ${index}`;
}

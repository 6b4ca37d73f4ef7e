// The market by hand, as somebody with polkadot.js apps and no program of ours would use it.

import assert from 'node:assert/strict';
import { bnToU8a, stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { Keyring } from '@polkadot/api';
import { send, sendExpectingError, OGPU } from '../chain.mjs';
import { until } from '../nodes.mjs';

const le = (number, bitLength) => bnToU8a(number, { bitLength, isLe: true });

function profile(worker, name) {
	return {
		worker: worker.publicKey,
		endpoint: { key: new Uint8Array(32).fill(1), addresses: [{ V4: [[127, 0, 0, 1], 4433] }], relay: null },
		encryption: new Uint8Array(32).fill(2),
		region: 276,
		devices: [{ name, memory: 33, features: 7, fingerprint: blake2AsU8a(name) }],
	};
}

async function registered(api, account, name) {
	// The worker key signs for the provider from now on; it proves that it knows whom.
	const worker = new Keyring({ type: 'sr25519' }).addFromUri(`//${name}//worker`);
	const proof = worker.sign(u8aConcat(stringToU8a('ogpu/worker/1'), api.genesisHash.toU8a(), account.publicKey));
	await send(api, account, api.tx.providers.register(profile(worker, name), proof));
	await send(api, account, api.tx.trustLock.bond(1_000n * OGPU));
}

function spec(fewOperators) {
	return {
		job: {
			hash: new Uint8Array(32).fill(3),
			blob: new Uint8Array(32).fill(4),
			len: 1000,
			source: { key: new Uint8Array(32).fill(5), addresses: [{ V4: [[127, 0, 0, 1], 4434] }], relay: null },
		},
		shape: 'Parallel',
		profile: 'ExactInt',
		units: 100,
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
	await Promise.all([registered(api, eve, 'Eve'), registered(api, one, 'One')]);
	// An account that nothing else happens to, so that what it pays can be told.
	const client = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Market//client');
	await send(api, ferdie, api.tx.balances.transferKeepAlive(client.address, 500n * OGPU));

	// Nobody attests results yet, so verified work cannot be had, and the chain says so.
	const refused = await sendExpectingError(api, client, api.tx.tasks.submit(spec('Refuse'), 200n * OGPU));
	assert(refused.includes('tasks.TooFewOperators'), refused);

	const before = (await api.query.system.account(client.address)).data.free.toBigInt();
	const submitted = await send(api, client, api.tx.tasks.submit(spec('Unverified'), 200n * OGPU));
	const task = submitted.find(({ method }) => method === 'Submitted').data.task.toBigInt();
	const status = async () => (await api.query.tasks.tasks(task)).unwrapOr(null)?.status.type ?? 'ended';

	const genesis = api.genesisHash.toU8a();
	const salt = new Uint8Array(32).fill(6);
	const commitment = (account, price) => blake2AsU8a(u8aConcat(
		stringToU8a('ogpu/bid/1'), genesis, le(task, 64), le(0, 8), account.publicKey, le(price, 128), salt,
	));
	const bids = [[eve, 40n * OGPU], [one, 60n * OGPU]];
	await Promise.all(bids.map(([who, price]) => send(api, who, api.tx.tasks.act({ Bid: { task, commitment: commitment(who, price) } }))));
	await until('bids to be opened', async () => (await status()) === 'Revealing', 60);
	await Promise.all(bids.map(([who, price]) => send(api, who, api.tx.tasks.act({ Reveal: { task, price, salt } }))));
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

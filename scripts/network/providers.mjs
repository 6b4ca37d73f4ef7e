// Providers: by hand, and on nodes that do the work by themselves.

import { Keyring } from '@polkadot/api';
import { bnToU8a, stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { send, OGPU } from './chain.mjs';
import { REGION, until } from './nodes.mjs';

// A place that serves blobs, as the chain writes it.
export function endpoint({ key, addresses }) {
	const address = (text) => {
		const [ip, port] = text.split(':');
		return { V4: [ip.split('.').map(Number), Number(port)] };
	};
	return { key: `0x${key}`, addresses: addresses.map(address), relay: null };
}

export const nowhere = (byte) => endpoint({ key: byte.repeat(32), addresses: ['127.0.0.1:4433'] });

function profile(worker, name, served, region) {
	return {
		worker,
		endpoint: served,
		encryption: new Uint8Array(32).fill(2),
		region,
		devices: [{ name, memory: 33, features: 7, fingerprint: blake2AsU8a(name) }],
	};
}

// A worker key of somebody who has no node, and its proof that it knows the account that it will sign for.
function workerByHand(api, account, name) {
	const worker = new Keyring({ type: 'sr25519' }).addFromUri(`//${name}//worker`);
	const proof = worker.sign(u8aConcat(stringToU8a('ogpu/worker/1'), api.genesisHash.toU8a(), account.publicKey));
	return { key: worker.publicKey, proof };
}

export async function registered(api, account, name, served, { region = REGION, seats = 0, worker = workerByHand(api, account, name) } = {}) {
	const { key, proof } = worker;
	await send(api, account, api.tx.utility.batchAll([
		api.tx.providers.register(profile(key, name, served, region), proof),
		api.tx.trustLock.bond(1_000n * OGPU),
		...(seats > 0 ? [api.tx.providers.setSeats(seats)] : []),
	]));
}

// Says that a provider without a node is there. Who has not said so for two sessions gets no work.
export async function heartbeat(api, account) {
	await until(`the heartbeat of ${account.address}`, async () => {
		const session = (await api.query.session.currentIndex()).toNumber();
		const { lastHeartbeat } = (await api.query.providers.providers(account.address)).unwrap();
		// The session may end before it is in a block: then it is said again.
		if (lastHeartbeat.toNumber() < session) await send(api, account, api.tx.providers.heartbeat({ session, load: 0, freeMemory: 30 }));
		return true;
	}, 120);
}

// Sealed bids for a task in its first attempt, by providers without a node.
export function bidsByHand(api, task) {
	const le = (number, bitLength) => bnToU8a(number, { bitLength, isLe: true });
	const salt = new Uint8Array(32).fill(6);
	const commitment = ({ publicKey }, price) => blake2AsU8a(u8aConcat(
		stringToU8a('ogpu/bid/1'), api.genesisHash.toU8a(), le(task, 64), le(0, 8), publicKey, le(price, 128), salt,
	));
	return {
		seal: (who, price) => send(api, who, api.tx.tasks.act({ Bid: { task, commitment: commitment(who, price) } })),
		open: (who, price) => send(api, who, api.tx.tasks.act({ Reveal: { task, price, salt } })),
	};
}

// Makes the nodes that have executors providers with a seat each. From here on nobody does anything by hand for them.
export async function providersOnNodes({ api, network, funder }) {
	const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
	const names = network.executors.map((_, index) => `Nodes//provider-${index}`);
	const providers = names.map((name) => keyring.addFromUri(`//${name}`));
	const fund = providers.map(({ address }) => api.tx.balances.transferKeepAlive(address, 1_100n * OGPU));
	const funded = send(api, funder, api.tx.utility.batchAll(fund));
	const passed = network.executors.map((executor) => until(`${executor.name} to pass its self-test`, async () => {
		const { devices, peer } = await executor.call('GET', '/v1/status');
		return devices.some(({ health }) => health === 'good') && peer;
	}, 120));
	const [served] = await Promise.all([Promise.all(passed), funded]);
	await Promise.all(providers.map(async (provider, index) => {
		const { node, region } = network.executors[index];
		const worker = await node.rpc('provider_workerProof', provider.address);
		await registered(api, provider, names[index], endpoint(served[index]), { region, seats: 1, worker });
	}));
	// Seats count from the session after the next on: whoever changes the table cannot know what is drawn from it.
	const seats = network.executors.length;
	await until('the seats to be settled', async () => (await api.query.providers.seatCount()).toNumber() === seats, 240);
	return providers;
}

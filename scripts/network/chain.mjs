// Talks to the chain as polkadot.js apps does: ordinary signed transactions through @polkadot/api.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { cryptoWaitReady, xxhashAsHex } from '@polkadot/util-crypto';
import { sleep, until } from './nodes.mjs';

export const OGPU = 10n ** 18n;

const EVENTS_KEY = xxhashAsHex('System', 128) + xxhashAsHex('Events', 128).slice(2);

export async function connect(node) {
	const api = await ApiPromise.create({ provider: new WsProvider(node.url), noInitWarn: true });
	return api;
}

export async function wellKnownAccounts() {
	await cryptoWaitReady();
	const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
	const account = (name) => keyring.addFromUri(`//${name}`);
	return {
		alice: account('Alice'), bob: account('Bob'), charlie: account('Charlie'), dave: account('Dave'),
		eve: account('Eve'), ferdie: account('Ferdie'), one: account('One'), two: account('Two'),
	};
}

export function describeError(api, error) {
	if (!error.isModule) return error.toString();
	const { section, name } = api.registry.findMetaError(error.asModule);
	return `${section}.${name}`;
}

// What each account has sent last, so that its nonces do not collide.
const queues = new Map();
// What each account's next nonce is at least. A node that has just left a branch forgets the transactions of that branch
// for a moment, and would give their nonces once more.
const nonces = new Map();

// Signs, sends and waits until the transaction is in a block that another one stands on: two validators may make a
// block in one slot, and what only the loser contains is not in the state that is read next. Returns its events; a
// failed dispatch is an error that names the pallet's error.
export async function send(api, signer, call, { seconds = 60 } = {}) {
	const name = `${call.method.section}.${call.method.method}`;
	const previous = queues.get(signer.address) ?? Promise.resolve();
	const sent = previous.catch(() => {}).then(() => submit(api, signer, call, name));
	queues.set(signer.address, sent);
	const transaction = await sent;
	const settled = async () => {
		const { lost, included } = transaction;
		return lost || (included && await isBuiltUpon(api, included.hash) && included);
	};
	try {
		const outcome = await until(`${name} to be in a block that stays`, settled, seconds);
		if (outcome === transaction.lost) {
			nonces.delete(signer.address);
			throw new Error(`${name}: ${outcome}`);
		}
		const { events, dispatchError } = outcome;
		if (dispatchError) throw new Error(`${name}: ${describeError(api, dispatchError)}`);
		return events.map(({ event }) => event);
	} finally {
		transaction.unsubscribe();
	}
}

// Hands a transaction to the pool, and notes what becomes of it.
async function submit(api, signer, call, name) {
	const told = (await api.rpc.system.accountNextIndex(signer.address)).toNumber();
	const nonce = Math.max(told, nonces.get(signer.address) ?? 0);
	const transaction = { included: null, lost: null };
	transaction.unsubscribe = await call.signAndSend(signer, { nonce }, ({ status, events, dispatchError }) => {
		if (status.isInBlock) transaction.included = { hash: status.asInBlock, events, dispatchError };
		else if (status.isRetracted) transaction.included = null;
		else if (status.isInvalid || status.isDropped || status.isUsurped) transaction.lost = status.type;
	}).catch((error) => {
		nonces.delete(signer.address);
		throw new Error(`${name}: ${error.message}`);
	});
	nonces.set(signer.address, nonce + 1);
	return transaction;
}

// Whether the best block stands on this one.
async function isBuiltUpon(api, hash) {
	const [best, height] = await Promise.all([api.rpc.chain.getHeader(), api.rpc.chain.getHeader(hash)])
		.then((headers) => headers.map(({ number }) => number.toNumber()));
	return best > height && (await api.rpc.chain.getBlockHash(height)).eq(hash);
}

// Sends what must fail, and returns the name of the error.
export async function sendExpectingError(api, signer, call) {
	try {
		await send(api, signer, call);
	} catch (error) {
		return error.message;
	}
	throw new Error(`${call.method.section}.${call.method.method} was accepted and should not have been`);
}

export const isOf = (event, section, method) => event.section === section && event.method === method;

// Every final block after the one of this height, as they come, until `stopped()`. Nodes keep the state of some minutes only.
export async function* finalBlocks(api, height, stopped) {
	while (!stopped()) {
		const final = (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber();
		while (height < final) {
			height += 1;
			yield { height, hash: await api.rpc.chain.getBlockHash(height) };
		}
		await sleep(1000);
	}
}

// Collects every event of every finalised block. A subscription to the best block's events would
// miss blocks that a reorganisation brings in two at a time. It begins after the block of this height.
export class EventLog {
	constructor(api, height = 0) {
		this.api = api;
		this.seen = [];
		this.height = height;
	}

	// Reads on until `stopped()`.
	async follow(stopped) {
		for await (const { hash } of finalBlocks(this.api, this.height, stopped)) {
			// Decoded with the types of its own block, so that an upgrade in between changes nothing.
			const { registry } = await this.api.getBlockRegistry(hash);
			const raw = await this.api.rpc.state.getStorage.raw(EVENTS_KEY, hash);
			this.seen.push(...registry.createType('Vec<EventRecord>', raw).map(({ event }) => event));
		}
	}

	find(section, method, matches = () => true) {
		return this.seen.find((event) => isOf(event, section, method) && matches(event.data));
	}

	// Where such events are among those seen.
	indices(section, method) {
		return [...this.seen.keys()].filter((index) => isOf(this.seen[index], section, method));
	}

	// What such events say.
	data(section, method) {
		return this.seen.filter((event) => isOf(event, section, method)).map((event) => event.data);
	}
}

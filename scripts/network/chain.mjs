// Talks to the chain as polkadot.js apps does: ordinary signed transactions through @polkadot/api.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { cryptoWaitReady, xxhashAsHex } from '@polkadot/util-crypto';

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

// Transactions of one account go one after the other, so that their nonces do not collide.
const queues = new Map();

// Signs, sends and waits until the transaction is in a block. Returns its events; a failed dispatch
// is an error that names the pallet's error.
export function send(api, signer, call, { until: stage = 'isInBlock', seconds = 60 } = {}) {
	const previous = queues.get(signer.address) ?? Promise.resolve();
	const result = previous.catch(() => {}).then(() => sendNow(api, signer, call, stage, seconds));
	queues.set(signer.address, result);
	return result;
}

async function sendNow(api, signer, call, stage, seconds) {
	const name = `${call.method.section}.${call.method.method}`;
	let unsubscribe = () => {};
	try {
		return await new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`${name}: not ${stage} after ${seconds} s`)), seconds * 1000);
			const settle = (finish, value) => {
				clearTimeout(timer);
				finish(value);
			};
			call.signAndSend(signer, { nonce: -1 }, ({ status, events, dispatchError }) => {
				if (status.isInvalid || status.isDropped || status.isUsurped) {
					settle(reject, new Error(`${name}: ${status.type}`));
				} else if (status[stage] || status.isFinalized) {
					if (dispatchError) settle(reject, new Error(`${name}: ${describeError(api, dispatchError)}`));
					else settle(resolve, events.map(({ event }) => event));
				}
			}).then((stop) => { unsubscribe = stop; }, (error) => settle(reject, new Error(`${name}: ${error.message}`)));
		});
	} finally {
		unsubscribe();
	}
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

// Collects every event of every finalised block. A subscription to the best block's events would
// miss blocks that a reorganisation brings in two at a time.
export class EventLog {
	constructor(api) {
		this.api = api;
		this.seen = [];
		this.height = 0;
	}

	// Reads on until `stopped()`.
	async follow(stopped) {
		while (!stopped()) {
			const finalised = (await this.api.rpc.chain.getHeader(await this.api.rpc.chain.getFinalizedHead())).number.toNumber();
			while (this.height < finalised) {
				const hash = await this.api.rpc.chain.getBlockHash(this.height + 1);
				// Decoded with the types of its own block, so that an upgrade in between changes nothing.
				const { registry } = await this.api.getBlockRegistry(hash);
				const raw = await this.api.rpc.state.getStorage.raw(EVENTS_KEY, hash);
				this.seen.push(...registry.createType('Vec<EventRecord>', raw).map(({ event }) => event));
				this.height += 1;
			}
			await new Promise((resolve) => setTimeout(resolve, 1000));
		}
	}

	find(section, method, matches = () => true) {
		return this.seen.find((event) => event.section === section && event.method === method && matches(event.data));
	}
}

// Submits a task and follows it until its result is there, with @polkadot/api alone.
//
//   npm install                         once, in this folder
//   ogpu offer JOB.yaml --json          serves program and inputs, and prints the specification
//   node submit.mjs ws://127.0.0.1:9944 //Alice 0x…
//
// Then end `ogpu offer` with Ctrl-C, and `ogpu fetch TASK --key //Alice` gets the result.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const [url, secret, scale] = process.argv.slice(2);
if (!scale) {
	console.error('usage: node submit.mjs URL SECRET SPECIFICATION');
	process.exit(2);
}

const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const client = new Keyring({ type: 'sr25519' }).addFromUri(secret);

// The specification has a type in the metadata, like everything else: it can be read, and changed.
const type = api.tx.tasks.submit.meta.args[0].type.toString();
const spec = api.createType(type, scale);
console.log('asks for', JSON.stringify(spec.toHuman(), null, '\t'));

const quote = await api.call.marketApi.quote(spec);
if (quote.isErr) throw new Error(`refused: ${quote.asErr}`);
const { reserve, protocolFee, verification } = quote.asOk;
const most = reserve.toBigInt() + protocolFee.toBigInt() + verification.toBigInt();
console.log(`costs at most ${Number(most / 10n ** 12n) / 1e6} oGPU`);

const task = await new Promise((resolve, reject) => {
	api.tx.tasks.submit(spec, most).signAndSend(client, ({ status, events, dispatchError, isError }) => {
		if (isError) reject(new Error(`the transaction is ${status.type}`));
		else if (dispatchError?.isModule) reject(new Error(api.registry.findMetaError(dispatchError.asModule).docs.join(' ')));
		else if (dispatchError) reject(new Error(dispatchError.toString()));
		else if (status.isFinalized) resolve(events.find(({ event }) => event.method === 'Submitted').event.data.task);
	}).catch(reject);
});
console.log(`is task ${task}`);

const delivered = await new Promise((resolve, reject) => {
	api.query.tasks.tasks(task, (found) => {
		if (found.isNone) return resolve(false);
		const { status } = found.unwrap();
		console.log(status.type);
		if (status.isDelivered) resolve(true);
	}).catch(reject);
});
if (delivered) {
	console.log(`delivered: fetch it with \`ogpu fetch ${task}\``);
} else {
	const record = (await api.query.tasks.records(task)).unwrap();
	console.log(`ended: ${record.ending.type}, ${Number(record.paid.toBigInt() / 10n ** 12n) / 1e6} oGPU paid`);
}
await api.disconnect();
process.exit(delivered ? 0 : 1);

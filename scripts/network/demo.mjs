// The local network, for people: four validators of which three are providers, and a client who has a picture computed.

import { execFileSync, spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OGPU, connect, wellKnownAccounts } from './chain.mjs';
import { bin, localNetwork, sleep } from './nodes.mjs';
import { providersOnNodes } from './providers.mjs';

const once = process.argv.includes('--once');
const FINALISED = 3;
const PICTURE = fileURLToPath(new URL('../../offchain-worker/examples/picture/trace.yaml', import.meta.url));
const WIDTH = 480;
const started = Date.now();
const seconds = () => Math.round((Date.now() - started) / 1000);

const network = localNetwork({ executors: 3 });
let stopping = false;
async function stop(code) {
	if (stopping) return;
	stopping = true;
	console.log('stopping the network');
	await network.stop();
	process.exit(code);
}
process.on('SIGINT', () => stop(once ? 130 : 0));
process.on('SIGTERM', () => stop(once ? 143 : 0));

const amount = (units) => Number(units / 10n ** 12n) / 1e6;

// Runs a program whose words are for whoever watches.
async function show(program, args) {
	const child = spawn(bin(program), args, { stdio: ['ignore', 'inherit', 'inherit'] });
	const [code] = await event(child, 'exit');
	if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}`);
}

// Has the picture computed by whoever bids the least, and verified by the others.
async function buyPicture(api, alice) {
	const { ferdie } = await wellKnownAccounts();
	console.log('three of the nodes become providers, each with a seat from which verifiers are drawn');
	const providers = await providersOnNodes({ api, network, funder: ferdie });
	const before = await Promise.all(providers.map(async ({ address }) => (await api.query.system.account(address)).data.free.toBigInt()));
	console.log(`(${seconds()} s) a client has a picture computed:`);
	const result = join(network.folder, 'picture');
	await show('ogpu', [
		'submit', PICTURE, '--key', '//Eve', '--node', alice.url, '--max-price', '2', '--work', '60', '--time', '100',
		'--listen', '127.0.0.1:0', '--data', join(network.folder, 'client'), '--out', result,
	]);
	const picture = join(tmpdir(), 'ogpu-demo.png');
	execFileSync(bin('ogpu-worker'), ['picture', join(result, 'picture'), '--width', String(WIDTH), '-o', picture]);
	const paid = await Promise.all(providers.map(async ({ address }, index) => {
		const now = (await api.query.system.account(address)).data.free.toBigInt();
		return { provider: address, earned: amount(now - before[index]) };
	}));
	console.log(`(${seconds()} s) the picture is ${picture}; who earned what for it:`);
	for (const { provider, earned } of paid) console.log(`  ${provider} ${earned} oGPU`);
	return { picture, paid };
}

try {
	console.log(`starting four validators; databases and logs are in ${network.folder}`);
	const alice = await network.start();
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

	const bought = await buyPicture(api, alice);
	const scheduled = (await api.query.token.scheduled()).toBigInt();
	console.log(`supply: ${amount(scheduled)} of 21000000 oGPU scheduled`);
	const summary = join(tmpdir(), 'ogpu-demo.json');
	const told = { seconds: seconds(), finalised: await alice.finalised(), scheduled: scheduled / OGPU, ...bought };
	writeFileSync(summary, `${JSON.stringify(told, (_, value) => (typeof value === 'bigint' ? Number(value) : value), '\t')}\n`);
	await api.disconnect();

	console.log(`what happened, as JSON: ${summary}`);
	if (once) await stop(0);
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

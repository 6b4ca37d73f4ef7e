// The local network, for people: four validators, and how to attach to them.

import { connect } from './chain.mjs';
import { localNetwork, sleep } from './nodes.mjs';

const once = process.argv.includes('--once');
const FINALISED = 3;

const network = localNetwork();
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

try {
	console.log(`starting four validators; databases and logs are in ${network.folder}`);
	const alice = await network.start();
	for (let seen = -1; seen < FINALISED; await sleep(1000)) {
		const now = await alice.finalised();
		if (now > seen) console.log(`block #${await alice.best()}, finalised #${now}`);
		seen = now;
	}

	const api = await connect(alice);
	const [chain, validators, scheduled] = await Promise.all([
		api.rpc.system.chain(), api.query.session.validators(), api.query.token.scheduled(),
	]);
	console.log(`\n${chain} is running: ${validators.length} validators, ` +
		`${scheduled.toBigInt() / 10n ** 18n} of 21000000 oGPU scheduled`);
	await api.disconnect();

	console.log('\nendpoints:');
	for (const node of network.nodes) console.log(`  ${node.name.padEnd(8)} ${node.url}`);
	console.log(`
To attach polkadot.js apps, open https://polkadot.js.org/apps/?rpc=${encodeURIComponent(alice.url)}
(or: network menu, Development, custom endpoint ${alice.url}).
Funded accounts: //Alice, //Bob, //Charlie, //Dave, //Eve, //Ferdie, //One, //Two.`);

	if (once) await stop(0);
	console.log('\nCtrl-C stops the network.');
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

// The network test: one network of separate processes, scenarios that overlap on it.

import { cpus } from 'node:os';
import { EventLog, connect, wellKnownAccounts } from './chain.mjs';
import { REGION, localNetwork } from './nodes.mjs';
import { providersOnNodes } from './providers.mjs';
import { Report } from './report.mjs';
import * as apps from './scenarios/apps.mjs';
import * as life from './scenarios/network.mjs';
import { fullNodeVerified, noProviderWasSlashed, requestsByNodes, streamByHand, taskByHand, taskByNodes, trainingByNodes } from './scenarios/market.mjs';
import { upgradeByReferendum } from './scenarios/upgrade.mjs';

const report = new Report();

const network = localNetwork({ rpcBase: 19944, p2pBase: 31333, executorBase: 19960, executors: 3, fullNode: true });
// The first is in another country, which only some ask for.
network.executors[0].region = REGION + 1;
report.watch(network, { within: 480 });
console.log(`network test: ${network.folder}, ${cpus().length} cores`);
const alice = await network.start();

const api = await connect(alice);
const context = { network, api, accounts: await wellKnownAccounts(), events: new EventLog(api) };
const scenario = (name, run) => report.scenario(name, () => run(context));

let done = false;
context.finished = () => done;
const following = context.events.follow(context.finished);
context.crashed = scenario('a killed validator is neither slashed nor chilled, and catches up', life.crashAndRestart);
const finality = scenario('finality advances and all nodes agree', life.finalityAdvances);
const byHand = [
	scenario('transfer, batch, proxy, identity, multisig, vesting', apps.accountsAndMoney),
	scenario('bond, nominate, pools', apps.stakingAndPools),
	scenario('preimage, referendum, deposit, vote, unlock', apps.votingFromEndToEnd),
	scenario('a task by hand, from bid to payment', taskByHand),
	scenario('a stream by hand, topped up and closed', streamByHand),
];
// Whose nodes do the work. Scenarios that need them fail if there are none.
context.providers = providersOnNodes({ api, network, funder: context.accounts.ferdie });
context.providers.catch(() => {});
// @polkadot/api forgets some of its methods when the runtime changes under it.
context.beforeUpgrade = Promise.all(byHand);
await Promise.all([
	context.crashed,
	...byHand,
	scenario('every pallet decodes', apps.metadataDecodes),
	scenario('the chain tells its token', apps.propertiesAreSet),
	scenario('a newcomer warps, bonds, sets keys and is elected', life.newcomerIsElected),
	scenario('an equivocator is slashed', life.equivocatorIsSlashed),
	scenario('eras pay out', life.erasPayOut),
	scenario('a task that nodes bid for, compute and verify by themselves', taskByNodes),
	scenario('a training that nodes compute and verify by its states', trainingByNodes),
	scenario('requests that nodes race for', requestsByNodes),
	scenario('a runtime upgrade by referendum', upgradeByReferendum),
]);
done = true;
await Promise.all([finality, following]);
await scenario('a provider whose node is no validator verifies like others', fullNodeVerified);
await scenario('no provider lost anything', noProviderWasSlashed);
await scenario('nobody but the equivocator was slashed', life.onlyTheEquivocatorWasSlashed);

await api.disconnect();
await report.end();

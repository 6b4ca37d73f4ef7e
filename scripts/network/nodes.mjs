// Starts and stops the processes of a local network.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { makesUp } from './cheat.mjs';
import { here } from './hosts.mjs';

export const bin = (name) => {
	const path = join(process.env.OGPU_BIN ?? '', name);
	if (!process.env.OGPU_BIN || !existsSync(path)) {
		throw new Error(`${name} is not built; run scripts/demo or scripts/test, which build it`);
	}
	return path;
};

// Where the machines are said to be, by ISO 3166-1.
export const REGION = 276;
const CHEATS_REGION = 250;
// What lies between a node and its executor listens on a port so much higher than the executor. Ten executors have two each.
const PROXY = 20;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Fatal extends Error {}

// Waits until `probe` returns something true, and returns that.
export async function until(what, probe, seconds = 60, everyMs = 500) {
	const deadline = Date.now() + seconds * 1000;
	let last;
	for (;;) {
		try {
			const found = await probe();
			if (found) return found;
			last = undefined;
		} catch (error) {
			if (error instanceof Fatal) throw error;
			last = error;
		}
		if (Date.now() > deadline) {
			throw new Error(`waited ${seconds} s for ${what}${last ? `; last: ${last.message}` : ''}`);
		}
		await sleep(everyMs);
	}
}

export class Network {
	// `folder` keeps databases and logs; a temporary one is removed at the end.
	constructor({ folder, rpcBase = 9944, p2pBase = 30333, executorBase = 9960, chain = 'local' } = {}) {
		this.temporary = !folder;
		this.folder = folder ?? mkdtempSync(join(tmpdir(), 'ogpu-network-'));
		mkdirSync(this.folder, { recursive: true });
		this.rpcBase = rpcBase;
		this.p2pBase = p2pBase;
		this.executorBase = executorBase;
		this.nodes = [];
		this.executors = [];
		this.commands = [];
		// All nodes share one raw specification, as on a public network.
		this.spec = join(this.folder, 'spec.json');
		const raw = execFileSync(bin('ogpu-chain-spec'), ['build', chain, '--raw'], { maxBuffer: 1 << 26 });
		writeFileSync(this.spec, raw);
	}

	// A node with fixed keys and ports; not started yet.
	node(name, { args = [], bootnodes = this.nodes.slice(0, 1), host } = {}) {
		const index = this.nodes.length;
		const node = new Node(this, name, index, { args, bootnodes, host });
		this.nodes.push(node);
		return node;
	}

	// An executor with its own data and ports, whose blobs others on this machine can fetch; not started yet.
	executor(name, options) {
		const executor = new Executor(this, name, this.executors.length, options);
		this.executors.push(executor);
		return executor;
	}

	// Fails with the last words of a node that has ended. Nothing is worth waiting for then.
	assertRunning() {
		const dead = this.nodes.find((node) => node.started && !node.running);
		if (dead) throw new Fatal(`${dead.name} has ended: ${dead.log.trim().split('\n').pop() || 'it said nothing'}`);
	}

	// Starts every node, and waits until blocks are final: before, each may be on a branch of its own. The first one
	// compiles the runtime, which the others find. Returns it.
	async start() {
		const [first, ...others] = this.nodes;
		first.start();
		await until(`${first.name} to answer`, () => {
			this.assertRunning();
			return first.best().then(() => true);
		}, 90);
		for (const node of others) node.start();
		await Promise.all(this.executors.map((executor) => executor.start()));
		await until('the first final block', () => {
			this.assertRunning();
			return first.finalised().then((height) => height > 0);
		}, 90);
		return first;
	}

	async stop({ keep = false } = {}) {
		await Promise.all([...this.commands, ...this.nodes, ...this.executors].map((process) => process.stop()));
		for (const { host } of this.nodes) host.remove();
		if (this.temporary && !keep) rmSync(this.folder, { recursive: true, force: true });
	}
}

// A program that runs until it is stopped, and what it says.
class Program {
	constructor(network, name, host = here) {
		this.name = name;
		this.network = network;
		this.host = host;
		this.logFile = join(network.folder, `${name}.log`);
	}

	get running() {
		return this.process !== undefined && this.process.exitCode === null && this.process.signalCode === null;
	}

	get log() {
		return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
	}

	run(program, args) {
		this.started = true;
		this.process = spawn(...this.host.line(bin(program), args.map(String)), {
			stdio: ['ignore', 'pipe', 'pipe'],
			// Ctrl-C in a terminal is for the script, which then stops it.
			detached: true,
		});
		const log = createWriteStream(this.logFile, { flags: 'a' });
		for (const output of [this.process.stdout, this.process.stderr]) output.pipe(log, { end: false });
		// When it has ended, and all that it said is written.
		this.closed = new Promise((resolve) => this.process.once('close', (code) => log.end(() => resolve(code))));
		return this;
	}

	// Ends the process and waits for it.
	async stop(signal = 'SIGTERM') {
		this.started = false;
		if (!this.running) return;
		const gone = new Promise((resolve) => this.process.once('exit', resolve));
		this.process.kill(signal);
		const timer = setTimeout(() => this.process.kill('SIGKILL'), 15_000);
		await gone;
		clearTimeout(timer);
	}
}

// `ogpu-worker serve`, and its HTTP interface. One that is cheap wins whatever it bids for. So does one that cheats, which
// is in another country. `between` starts what lies between it and its node.
export class Executor extends Program {
	constructor(network, name, index, { cheats = false, cheap = false, between = cheats ? makesUp : undefined, host } = {}) {
		super(network, name, host);
		const port = network.executorBase + 2 * index;
		this.url = `http://127.0.0.1:${port}`;
		this.between = between;
		this.region = cheats ? CHEATS_REGION : REGION;
		// Where its node finds it.
		this.seenAt = between ? `http://127.0.0.1:${port + PROXY}` : this.url;
		this.data = join(network.folder, name);
		this.tokenFile = join(this.data, 'token');
		this.configFile = join(network.folder, `${name}.toml`);
		// So little that it wins, however slow its machine is just when it is asked.
		const price = cheats || cheap ? '0.000001' : '0.001';
		writeFileSync(this.configFile, [
			`listen = "127.0.0.1:${port}"`,
			`data = "${this.data}"`,
			// The validators beside it come first.
			'[compute]', 'threads = 1', 'nice = 19',
			'[price]', `per_second = "${price}"`, `minimum = "${price}"`,
			'[blobs]', `listen = "${this.host.ip}:${port + 1}"`,
		].join('\n'));
	}

	async start() {
		this.endBetween = await this.between?.({ listen: Number(new URL(this.seenAt).port), executor: this.url });
		// The node whose own it is starts it, and starts it again.
		if (!this.owned) this.run('ogpu-worker', ['serve', '--config', this.configFile]);
	}

	async stop(signal) {
		await this.endBetween?.();
		await super.stop(signal);
	}

	// Has what it computes now go on at a small fraction of its speed, while it goes on answering. What ends that.
	slowDown() {
		const below = (pid) => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
		const computing = below(this.process.pid);
		assert(computing.length > 0, `${this.name} computes nothing`);
		const signal = (name) => {
			for (const pid of computing) {
				try {
					process.kill(pid, name);
				} catch {
					// It has ended.
				}
			}
		};
		signal('SIGSTOP');
		const timer = setInterval(() => {
			signal('SIGCONT');
			setTimeout(signal, 20, 'SIGSTOP');
		}, 600);
		return () => clearInterval(timer);
	}

	// The process that its node has started; none if there is none now.
	pidUnder(node) {
		return childrenOf(node.process.pid, 'ogpu-worker')[0];
	}

	async call(method, path, body) {
		const token = readFileSync(this.tokenFile, 'utf8').trim();
		const { status, text } = await this.host.http(`${this.url}${path}`, { method, body, headers: { authorization: `Bearer ${token}` } });
		if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
		return text ? JSON.parse(text) : null;
	}
}

// The processes that one has started; those of a name alone, if one is given.
function childrenOf(pid, ...name) {
	const { stdout } = spawnSync('pgrep', ['-P', String(pid), ...name]);
	return stdout.toString().split('\n').filter(Boolean).map(Number);
}

// What makes `ogpu` a client of the network, with a folder of its own.
export function asClient(network, name) {
	const [{ url, host }] = network.nodes;
	return ['--node', url, '--listen', `${host.ip}:0`, '--data', join(network.folder, `ogpu-${name}`)];
}

// `ogpu`, and what it prints.
export class Command extends Program {
	constructor(network, name, args) {
		super(network, `ogpu-${name}`);
		network.commands.push(this);
		this.run('ogpu', [...args, '--json', ...asClient(network, name)]);
	}

	get lines() {
		// The last line may not be whole yet.
		return this.log.split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
	}

	// What it says of this first, once it does.
	async says(what, seconds) {
		const line = await until(`${this.name} to tell its ${what}`, () => {
			const found = this.lines.find((line) => what in line);
			if (!found && !this.running) throw new Fatal(`${this.name} has ended: ${this.log}`);
			return found;
		}, seconds);
		return line[what];
	}

	// Its exit code.
	async ended(seconds) {
		const timer = setTimeout(() => this.process.kill('SIGKILL'), seconds * 1000);
		const code = await this.closed;
		clearTimeout(timer);
		return code;
	}
}

class Node extends Program {
	constructor(network, name, index, { args, bootnodes, host }) {
		super(network, name, host);
		this.args = args;
		this.bootnodes = bootnodes;
		this.rpcPort = network.rpcBase + index;
		this.p2pPort = network.p2pBase + index;
		// A node's address contains the public half of this key, so that others can name it.
		this.nodeKey = (index + 1).toString(16).padStart(64, '0');
		this.basePath = join(network.folder, name);
	}

	get url() {
		return `ws://127.0.0.1:${this.rpcPort}`;
	}

	get address() {
		const file = join(this.network.folder, `${this.name}.key`);
		writeFileSync(file, this.nodeKey);
		const id = execFileSync(bin('ogpu-node'), ['key', 'inspect-node-key', '--file', file]).toString().trim();
		return `/ip4/${this.host.ip}/tcp/${this.p2pPort}/p2p/${id}`;
	}

	start() {
		return this.run('ogpu-node', [
			'--chain', this.network.spec, '--base-path', this.basePath, '--name', this.name,
			'--node-key', this.nodeKey, '--rpc-port', this.rpcPort,
			'--listen-addr', `/ip4/${this.host.ip}/tcp/${this.p2pPort}`,
			'--no-prometheus', '--no-telemetry', '--no-mdns', '--allow-private-ip',
			'--rpc-methods', 'unsafe', '--rpc-cors', 'all', '--rpc-max-connections', '50',
			'--runtimes', join(this.network.folder, 'runtimes'),
			...this.bootnodes.flatMap((node) => ['--bootnodes', node.address]),
			...this.args,
		]);
	}

	// One JSON-RPC call over HTTP: for methods that polkadot.js does not know, and for nodes that it
	// is not attached to.
	async rpc(method, ...params) {
		const { text } = await this.host.http(`http://127.0.0.1:${this.rpcPort}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
		});
		const { result, error } = JSON.parse(text);
		if (error) throw new Error(`${method}: ${error.message}${error.data ? ` (${error.data})` : ''}`);
		return result;
	}

	async best() {
		return Number((await this.rpc('chain_getHeader')).number);
	}

	async finalised() {
		const hash = await this.rpc('chain_getFinalizedHead');
		return Number((await this.rpc('chain_getHeader', hash)).number);
	}
}

// A variation of an example's manifest, in a folder beside the files that it names. Its path.
export function variation(manifest, { folder, files, name = basename(manifest), change }) {
	mkdirSync(folder, { recursive: true });
	for (const file of files) copyFileSync(join(dirname(manifest), file), join(folder, file));
	const path = join(folder, name);
	writeFileSync(path, change(readFileSync(manifest, 'utf8')));
	return path;
}

// The four validators of the `local` network, each on its host; the first `executors` of them have one each, or, with
// `fullNode`, one fewer and a fifth node, which validates nothing. The first starts its own; the one with the number
// `cheat` makes up what it computes, and the one with the number `cheap` asks least. What lies `between` an executor and its
// node can be said of all but the first.
export function localNetwork({ executors = 0, cheat, cheap, between = [], fullNode = false, hosts = [], ...options } = {}) {
	const network = new Network({ chain: 'local', ...options });
	const validators = ['alice', 'bob', 'charlie', 'dave'];
	const names = fullNode ? [...validators, 'frank'] : validators;
	const owners = fullNode ? [...validators.slice(0, executors - 1), 'frank'] : validators.slice(0, executors);
	for (const [index, name] of names.entries()) {
		const args = validators.includes(name) ? ['--validator', `--${name}`] : [];
		let executor;
		if (owners.includes(name)) {
			executor = network.executor(`${name}-executor`, {
				cheats: index === cheat, cheap: index === cheap, between: between[index], host: hosts[index],
			});
			executor.owned = index === 0;
			args.push(...(executor.owned
				? ['--provider', '--executor-config', executor.configFile, '--executor-data', executor.data]
				: ['--executor-url', executor.seenAt, '--executor-token-file', executor.tokenFile]));
		}
		const node = network.node(name, { args, host: hosts[index] });
		if (executor) executor.node = node;
	}
	return network;
}

// The machines that the processes of a network are on: this one, or one of our own making whose cable can be pulled.

import { execFileSync } from 'node:child_process';

// This machine; everything on it is reached by the loopback interface.
export const here = {
	ip: '127.0.0.1',
	// The program and arguments that run something there.
	line: (program, args) => [program, args],
	// An HTTP request to its own loopback interface: the status, and the text that came back.
	async http(url, options = {}) {
		const response = await fetch(url, { ...options, signal: AbortSignal.timeout(30_000) });
		return { status: response.status, text: await response.text() };
	},
	remove() {},
};

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

const REQUEST = `
const [url, options] = JSON.parse(process.argv[1]);
fetch(url, { ...options, signal: AbortSignal.timeout(30_000) })
	.then(async (response) => console.log(JSON.stringify({ status: response.status, text: await response.text() })))
	.catch((error) => { console.error(String(error.cause ?? error)); process.exit(1); });
`;

// A network namespace of Linux, and a cable between it and this machine. Needs root, and the program ip.
export function machineApart(name, subnet) {
	// Names of interfaces have 15 characters at most.
	const near = `${name}.0`;
	const far = `${name}.1`;
	const remove = () => {
		// The cable as well: whatever still runs there would keep it.
		for (const part of [['netns', 'del', name], ['link', 'del', near]]) {
			try {
				ip(...part);
			} catch {
				// There is none, left by a run that was killed or otherwise.
			}
		}
	};
	remove();
	try {
		ip('netns', 'add', name);
		ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
		ip('addr', 'add', `${subnet}.1/24`, 'dev', near);
		ip('-n', name, 'addr', 'add', `${subnet}.2/24`, 'dev', far);
		for (const link of ['lo', far]) ip('-n', name, 'link', 'set', link, 'up');
		ip('link', 'set', near, 'up');
	} catch (error) {
		remove();
		throw new Error(`no network namespace: ${error.stderr?.toString().trim() || error.message}. It needs root, and the package iproute2`);
	}
	const line = (program, args) => ['ip', ['netns', 'exec', name, program, ...args]];
	return {
		// How this machine is seen from there.
		near: { ...here, ip: `${subnet}.1` },
		ip: `${subnet}.2`,
		line,
		async http(url, options = {}) {
			const [program, args] = line(process.execPath, ['-e', REQUEST, JSON.stringify([url, options])]);
			return JSON.parse(execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString());
		},
		pull: () => ip('link', 'set', near, 'down'),
		plug: () => ip('link', 'set', near, 'up'),
		remove,
	};
}

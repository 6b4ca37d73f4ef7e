// A provider that cheats: a proxy between a node and its executor that makes up the results of the tasks which the
// node has won. All else passes as it is, so that the node bids, verifies for others and opens its leaves as ever.

import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import { pipeline } from 'node:stream';
import { buffer } from 'node:stream/consumers';

const SCALE = 'application/octet-stream';
// A submission in SCALE begins with the run, and the lane that it is for. In this one a node has its own tasks and
// races, all units of them; what it verifies for others is in another.
const RUN = 32;
const OWN = Buffer.from([6 << 2, ...Buffer.from('market')]);

// The leaves of a run, none of them true. No root or proof needs to be made up: a node's hook makes the trees over the
// parts of a task by itself, of nothing but these, for the root that it commits to as for the leaves that it opens.
async function* lie(leaves) {
	const body = await buffer(leaves);
	// Their number, in one, two or four bytes; then each after its unit, which is true.
	const first = [1, 2, 4][body[0] & 3];
	for (let at = first + 4; at < body.length; at += 36) {
		const leaf = body.subarray(at, at + 32);
		leaf.set(leaf.map((byte) => ~byte));
	}
	yield body;
}

// Headers but the one that is about the connection: each side of the proxy has its own.
const passed = ({ connection, ...headers }) => headers;

// Listens on this machine only, where a node sends its token. `falsified` has the runs whose leaves are made up, each
// as 64 hexadecimal digits, from when the executor has taken them.
export async function cheatingProxy({ listen: port, executor: url }) {
	const falsified = new Set();
	// A node comes back in every block, and must not find its connection about to be closed.
	const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
		const { method, url: path, headers } = request;
		// A connection for each request: there is no stale one when the executor was started again.
		const onward = ask(`${url}${path}`, { method, headers: passed(headers), agent: false });
		let start = Buffer.alloc(0);
		if (method === 'POST' && path === '/v1/jobs') {
			request.on('data', (chunk) => {
				if (start.length < RUN + OWN.length) start = Buffer.concat([start, chunk]);
			});
		}
		request.pipe(onward);
		response.on('close', () => onward.destroy());
		onward.on('error', ({ message }) => {
			if (response.headersSent || response.destroyed) return;
			response.writeHead(502, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ error: 'unavailable', message: `the executor does not answer: ${message}` }));
		});
		onward.on('response', (answer) => {
			const { statusCode } = answer;
			const own = OWN.equals(start.subarray(RUN, RUN + OWN.length));
			if (own && statusCode < 300) falsified.add(start.toString('hex', 0, RUN));
			const run = path.match(/^\/v1\/jobs\/([0-9a-f]{64})\/leaves$/)?.[1];
			const cheat = falsified.has(run) && statusCode === 200 && answer.headers['content-type'] === SCALE;
			response.writeHead(statusCode, passed(answer.headers));
			// Where one side breaks off, so does the other; nothing else comes of it.
			pipeline([answer, ...(cheat ? [lie] : []), response], () => {});
		});
	});
	server.listen(port, '127.0.0.1');
	await once(server, 'listening');
	const stop = () => new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	});
	return { url: `http://127.0.0.1:${server.address().port}`, stop, falsified };
}

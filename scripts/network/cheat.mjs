// Providers that cheat, by a proxy between a node and its executor. All that is not a lie passes as it is, so that the node
// bids, verifies for others and opens its leaves as ever.

import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import { pipeline } from 'node:stream';
import { buffer } from 'node:stream/consumers';

const SCALE = 'application/octet-stream';
// A submission in SCALE begins with the run, and the lane that it is for. In this one a node has its own tasks and
// races, all units of them; what it verifies for others is in another.
const RUN = 32;
const OWN = Buffer.from([6 << 2, ...Buffer.from('market')]);

// Headers but the one that is about the connection: each side of the proxy has its own.
const passed = ({ connection, ...headers }) => headers;

// Listens on this machine only, where a node sends its token. `submitted` may change what is submitted, not its length;
// `answered` is told of each answer, and may name streams that change what it says.
async function proxy({ listen: port, executor: url }, { submitted = (body) => body, answered = () => [] }) {
	// A node comes back in every block, and must not find its connection about to be closed.
	const server = createServer({ keepAliveTimeout: 0 }, async (request, response) => {
		const { method, url: path, headers } = request;
		let submission;
		if (method === 'POST' && path === '/v1/jobs') {
			try {
				submission = submitted(await buffer(request));
			} catch {
				// It was broken off, and nobody waits for an answer.
				return;
			}
		}
		// A connection for each request: there is no stale one when the executor was started again.
		const onward = ask(`${url}${path}`, { method, headers: passed(headers), agent: false });
		response.on('close', () => onward.destroy());
		onward.on('error', ({ message }) => {
			if (response.headersSent || response.destroyed) return;
			response.writeHead(502, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ error: 'unavailable', message: `the executor does not answer: ${message}` }));
		});
		onward.on('response', (answer) => {
			const lies = answered({ submission, path, answer });
			response.writeHead(answer.statusCode, passed(answer.headers));
			// Where one side breaks off, so does the other; nothing else comes of it.
			pipeline([answer, ...lies, response], () => {});
		});
		if (submission) onward.end(submission);
		else request.pipe(onward);
	});
	server.listen(port, '127.0.0.1');
	await once(server, 'listening');
	return () => new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	});
}

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

// Makes up the results of the tasks that the node has won. What stops it.
export function makesUp(ports) {
	const falsified = new Set();
	return proxy(ports, {
		answered: ({ submission, path, answer: { statusCode, headers } }) => {
			const own = submission && OWN.equals(submission.subarray(RUN, RUN + OWN.length));
			if (own && statusCode < 300) falsified.add(submission.toString('hex', 0, RUN));
			const run = path.match(/^\/v1\/jobs\/([0-9a-f]{64})\/leaves$/)?.[1];
			const cheat = falsified.has(run) && statusCode === 200 && headers['content-type'] === SCALE;
			return cheat ? [lie] : [];
		},
	});
}

// Providers that all compute another job than they were given, as long as they `collude`, for themselves and for one another:
// `from` is a part of the job's bytes, `to` what they make of it.
export class Colluders {
	constructor({ from, to }) {
		this.collude = true;
		const submitted = (body) => {
			for (let at = this.collude ? body.indexOf(from) : -1; at >= 0; at = body.indexOf(from, at + from.length)) to.copy(body, at);
			return body;
		};
		this.between = (ports) => proxy(ports, { submitted });
	}
}

// What the clients of the demo buy, with `ogpu` alone.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { REGION, asClient, bin } from './nodes.mjs';

const EXAMPLES = fileURLToPath(new URL('../../offchain-worker/examples', import.meta.url));
const DIGITS = join(EXAMPLES, 'digits');
// The images that training never sees are the last.
const TRAINED_ON = 1437;

// Runs a command whose words are for whoever watches, and returns them.
async function ogpu(network, name, key, args) {
	const child = spawn(bin('ogpu'), [...args, '--key', key, ...asClient(network, name)].map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
	const lines = [];
	for (const output of [child.stdout, child.stderr]) {
		createInterface(output).on('line', (line) => {
			lines.push(line);
			console.log(`  ${name.padEnd(9)}| ${line}`);
		});
	}
	const [code] = await once(child, 'close');
	if (code !== 0) throw new Error(`ogpu ${args[0]} (${name}) ended with ${code}`);
	return lines;
}

// Trains the classifier, and returns the file of its weights. It asks for one country, where nobody cheats.
export async function train(network) {
	const out = join(network.folder, 'training');
	await ogpu(network, 'training', '//Eve', [
		'submit', join(DIGITS, 'train.yaml'), '--max-price', 5, '--work', 120, '--time', 100, '--region', REGION, '--out', out,
	]);
	return join(out, 'w');
}

// Opens a stream for requests to recognise digits, with weights that are there already: others come with the requests.
export async function openStream(network) {
	const opened = await ogpu(network, 'inference', '//Two', [
		'stream', 'open', join(DIGITS, 'infer.yaml'), '--reward', 0.001, '--deposit', 20, '--racers', 2, '--work', 0.01, '--time', 40,
		'--region', REGION,
	]);
	const stream = opened.map((line) => line.match(/^stream +(\d+)$/)?.[1]).find(Boolean);
	assert(stream, 'no stream was opened');
	return stream;
}

// Recognises the images that training never saw, by a request to a stream, and counts what is right.
export async function recognise(network, stream, weights) {
	const folder = join(network.folder, 'inference');
	mkdirSync(folder);
	for (const file of ['infer.yaml', 'infer.cl', 'images.bin']) copyFileSync(join(DIGITS, file), join(folder, file));
	execFileSync('python3', [join(DIGITS, 'quantise.py'), weights, join(folder, 'trained.bin')]);
	const manifest = join(folder, 'infer.yaml');
	const name = 'inference';
	const out = join(network.folder, 'digits');
	const sent = await ogpu(network, name, '//Two', ['stream', 'send', stream, manifest, '--out', out]);
	const task = sent.map((line) => line.match(/^batches +are the tasks (\d+)$/)?.[1]).find(Boolean);
	await ogpu(network, name, '//Two', ['stream', 'show', stream]);

	const digits = readFileSync(join(out, `task-${task}`, 'digits'));
	const labels = readFileSync(join(DIGITS, 'labels.bin')).subarray(TRAINED_ON);
	assert.equal(digits.length, labels.length);
	const right = digits.filter((digit, image) => digit === labels[image]).length;
	const accuracy = right / labels.length;
	assert(accuracy > 0.9, `only ${right} of ${labels.length} digits are right`);
	return { right, of: labels.length, accuracy };
}

// Has the picture computed by whoever asks the least, which is the cheat at first.
export async function render(network) {
	const result = join(network.folder, 'picture');
	await ogpu(network, 'picture', '//One', [
		'submit', join(EXAMPLES, 'picture', 'trace.yaml'), '--max-price', 2, '--work', 60, '--time', 100, '--out', result,
	]);
	const picture = join(tmpdir(), 'ogpu-demo.png');
	execFileSync(bin('ogpu-worker'), ['picture', join(result, 'picture'), '--width', '480', '-o', picture]);
	return picture;
}

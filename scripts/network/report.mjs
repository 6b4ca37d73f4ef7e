// How scenarios went.

export class Report {
	// Of those scenarios whose names have this in them; of all if nothing is given.
	constructor(wanted = '') {
		this.wanted = wanted;
		this.started = Date.now();
		this.passed = 0;
		this.failed = 0;
		this.skipped = 0;
	}

	get elapsed() {
		return `${((Date.now() - this.started) / 1000).toFixed(0)} s`;
	}

	get counts() {
		return `${this.passed} passed, ${this.failed} failed${this.skipped ? `, ${this.skipped} skipped` : ''}`;
	}

	// Stops their network when somebody interrupts the program, when that fails, or when it takes longer than so many seconds.
	// The logs stay.
	watch(network, { within }) {
		this.network = network;
		const stop = (why, code) => {
			// What fails while the network is being stopped is no failure.
			if (this.ending) return;
			console.log(`  FAILED: ${why}`);
			this.failed += 1;
			this.end(code);
		};
		process.on('SIGINT', () => stop('interrupted', 130));
		process.on('SIGTERM', () => stop('interrupted', 143));
		process.on('uncaughtException', (error) => stop(error.stack, 1));
		setTimeout(stop, within * 1000, `it took more than ${within} s`, 1).unref();
	}

	// Ends network and program.
	async end(code = this.failed > 0 ? 1 : 0) {
		this.ending = true;
		await this.network.stop({ keep: code > 0 });
		if (code > 0) console.log(`the logs are in ${this.network.folder}`);
		console.log(`${this.counts}, in ${this.elapsed}`);
		process.exit(code);
	}

	// Says of a scenario that it cannot be run here, and why.
	skip(name, why) {
		if (!name.includes(this.wanted)) return;
		this.skipped += 1;
		console.log(`  skipped ${name}: ${why}`);
	}

	// Runs a scenario; what it returns is told beside its name.
	async scenario(name, run) {
		if (!name.includes(this.wanted)) return;
		try {
			const note = await run();
			this.passed += 1;
			console.log(`  ok ${name} (${this.elapsed})${note ? `: ${note}` : ''}`);
		} catch (error) {
			this.failed += 1;
			console.log(`  FAILED ${name} (${this.elapsed}): ${error.stack}`);
		}
	}
}

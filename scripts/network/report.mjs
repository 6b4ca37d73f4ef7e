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

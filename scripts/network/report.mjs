// How scenarios went.

export class Report {
	constructor() {
		this.started = Date.now();
		this.passed = 0;
		this.failed = 0;
	}

	get elapsed() {
		return `${((Date.now() - this.started) / 1000).toFixed(0)} s`;
	}

	get counts() {
		return `${this.passed} passed, ${this.failed} failed`;
	}

	// Runs a scenario; what it returns is told beside its name.
	async scenario(name, run) {
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

/** A vitest reporter that writes what was counted, each skip with its reason, to the file in TINCAN_TEST_COUNT. */
import { writeFileSync } from 'node:fs';

export default class CountingReporter {
  #count = { passed: 0, failed: 0, skipped: [] };

  onTestCaseResult(testCase) {
    const { state, note } = testCase.result();
    if (state === 'passed') this.#count.passed += 1;
    if (state === 'failed') this.#count.failed += 1;
    if (state === 'skipped')
      this.#count.skipped.push(`${testCase.fullName}: ${note ?? 'no reason was given'}`);
  }

  onTestRunEnd(modules, unhandledErrors) {
    // A file that cannot be loaded has no test cases, and is one failure all the same.
    const broken = modules.filter((module) => module.errors().length > 0);
    this.#count.failed += broken.length + unhandledErrors.length;
    writeFileSync(process.env.TINCAN_TEST_COUNT, JSON.stringify(this.#count));
  }
}

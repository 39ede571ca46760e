/** Ours from a file, as `tidemark count --file` does it, but for the output: `count-file.js <frames.jsonl>`. */
import { openFile } from '../../src/cli/count-input.js';
import { countStream } from '../../src/cli/count-stream.js';
import { DEFAULT_COUNT_RULES } from '../../src/core/uniques-slice.js';
import { sayUsage } from './say-usage.js';

let users = 0;
const { tally } = await countStream({
  input: await openFile(process.argv[2] ?? '', DEFAULT_COUNT_RULES.format),
  rules: DEFAULT_COUNT_RULES,
  provisionalMs: 0,
  nowMs: Date.now,
  emit: (results) => {
    for (const result of results) if (result.window === 'year') ({ users } = result);
    return Promise.resolve();
  },
  reject: () => undefined,
  ready: () => Promise.resolve(),
  progress: () => undefined,
  signal: new AbortController().signal,
});
sayUsage(tally.read, users);

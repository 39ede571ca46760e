import assert from 'node:assert/strict';
import { cleanLogin } from '../../../../src/core/logins/judge.js';
import { LoginPartition } from '../../../../src/core/logins/partition.js';
import { generateLogins } from '../../../../src/generate/logins.js';
import { loginOptions } from '../../../../src/generate/logins-options.js';

describe('the rules of logins', () => {
  it('say of every generated message what the generator made of it', () => {
    const options = loginOptions({ messages: 15_000, rate: 10, seed: 11 });
    const latenessMs = 1_000 * options.latenessS;
    const partitions = Array.from(
      { length: options.partitions },
      (_, partition) => new LoginPartition(partition, 0, { latenessMs }),
    );
    for (const { partition, value, truth } of generateLogins(options)) {
      const { tally } = partitions[partition]!;
      const found = partitions[partition]!.take(tally.offset, value);
      if (truth.outcome === 'clean') {
        assert.equal(found.outcome, 'clean', value?.toString());
        const { version, ts, ...record } = cleanLogin(found.login);
        assert.deepEqual({ ...record, tsMs: Date.parse(ts) }, truth.record);
        assert.equal(`${version.major}.${version.minor}.${version.patch}`, record.app_version);
      } else {
        const said = found.outcome === 'clean' ? 'clean' : `${found.outcome} ${found.reason}`;
        assert.equal(said, `${truth.outcome} ${truth.reason}`, value?.toString());
      }
    }
  });
});

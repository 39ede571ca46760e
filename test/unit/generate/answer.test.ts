import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAnswer, writeAnswer } from '../../../src/generate/answer.js';
import { answerOf, eventsAfter, usersAfter } from '../../../src/generate/expected.js';
import { eventOptions, userOptions } from '../../../src/generate/options.js';

const base = { seed: 8, from: '2026-11-14', days: 3 };
const users = userOptions({ ...base, users: 30 });
const events = eventOptions({ ...base, events: 2_500 });
const answer = answerOf({ users: usersAfter(users), events: eventsAfter(events, users) }, { users, events });

describe('generate/answer', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'tidemark-answer-'))));
  after(() => rm(folder, { recursive: true }));

  it('reads back what it wrote, and leaves nothing else behind', async () => {
    const file = join(folder, 'answer.jsonl');
    await writeAnswer(file, answer);
    assert.deepEqual(await loadAnswer(file), JSON.parse(JSON.stringify(answer)));
    assert.deepEqual(await readdir(folder), ['answer.jsonl']);
  });

  it('covers the days asked for, also those without events', () => {
    const quiet = answerOf({ users: usersAfter(users), events: [] }, { users, events });
    assert.deepEqual(quiet.days, ['2026-11-14', '2026-11-15', '2026-11-16']);
    assert.equal(quiet.usersWithoutEvents.length, quiet.users.length);
  });

  it('refuses a file that is cut short, of another format, or not there', async () => {
    const whole = join(folder, 'whole.jsonl');
    await writeAnswer(whole, answer);
    const lines = (await readFile(whole, 'utf8')).trimEnd().split('\n');
    const cases = {
      'cut.jsonl': lines.slice(0, -1).join('\n'),
      'midline.jsonl': lines.join('\n').slice(0, -3),
      'empty.jsonl': '',
      'version.jsonl': lines.join('\n').replace('"version":1', '"version":2'),
      'other.jsonl': '{"format":"something"}\n',
    };
    for (const [name, text] of Object.entries(cases)) {
      await writeFile(join(folder, name), text);
      await assert.rejects(loadAnswer(join(folder, name)), { code: 'BAD_ANSWER' }, name);
    }
    await assert.rejects(loadAnswer(join(folder, 'absent.jsonl')), /no such file/);
  });
});

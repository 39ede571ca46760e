import assert from 'node:assert/strict';
import { judgePublication, type PublicationFacts } from '../../../../src/activities/checks/publication.js';

const HEALTHY: PublicationFacts = {
  walLevel: 'logical',
  operations: { insert: true, update: true, delete: true, truncate: true },
  tables: ['public.debezium_heartbeat', 'public.users'],
  usersReplicaIdentity: 'f',
};

describe('check publication', () => {
  it('passes what the migrations make', () => {
    assert.equal(judgePublication(HEALTHY).verdict, 'Passed');
  });

  const broken: [Partial<PublicationFacts>, RegExp][] = [
    [{ walLevel: 'replica' }, /wal_level is replica/],
    [{ operations: null, tables: [] }, /does not exist/],
    [{ tables: ['public.debezium_heartbeat'] }, /lacks public\.users$/],
    [{ tables: ['public.users'] }, /lacks public\.debezium_heartbeat$/],
    [
      { operations: { insert: true, update: true, delete: false, truncate: false } },
      /leaves out every delete, truncate/,
    ],
    [{ usersReplicaIdentity: 'd' }, /REPLICA IDENTITY FULL/],
    [{ usersReplicaIdentity: null }, /REPLICA IDENTITY FULL/],
  ];
  for (const [change, says] of broken) {
    it(`fails ${JSON.stringify(change)}, and says what to do`, () => {
      const { verdict, summary, next } = judgePublication({ ...HEALTHY, ...change });
      assert.equal(verdict, 'Failed');
      assert.match(summary, says);
      assert.ok(next);
    });
  }
});

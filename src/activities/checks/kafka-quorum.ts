import type { Finding } from '../../core/verification.js';
import { check as checkCode } from '../../stream/kafka-errors.js';
import { describeQuorumRequest, type Quorum, type QuorumReplica } from '../../stream/describe-quorum.js';
import { failed, passed, type Check } from './check.js';

/** A voter fetches twice a second; one that has not held everything for longer is behind, ms. */
const BEHIND_MS = 10_000;

/** The controllers have a leader, and every voter follows it. */
export const kafkaQuorum: Check = {
  name: 'kafka-quorum',
  hop: 'kafka',
  stage: 'hops',
  run: async ({ kafka }) => {
    const quorum = await kafka.ask(describeQuorumRequest());
    checkCode(quorum.errorCode, 'describing the quorum of Kafka');
    return judgeQuorum(quorum);
  },
};

export function judgeQuorum({ leader, leaderEpoch, highWatermark, voters, observers }: Quorum): Finding {
  const leading = voters.find(({ id }) => id === leader);
  const behind = (replica: QuorumReplica): boolean =>
    leading !== undefined && leading.lastCaughtUpMs - replica.lastCaughtUpMs > BEHIND_MS;
  const late = voters.filter(behind).map(({ id }) => id);
  const evidence = {
    leader,
    leaderEpoch,
    highWatermark: String(highWatermark),
    voters: voters.map(({ id }) => id),
    votersBehind: late,
    observers: observers.map(({ id }) => id),
    // Brokers that left stay in the list for some minutes: told, and not judged.
    observersBehind: observers.filter(behind).map(({ id }) => id),
  };
  if (leading === undefined) {
    return failed(
      'the quorum of controllers has no leader',
      evidence,
      'start the controllers: a majority must be up',
    );
  }
  if (late.length > 0) {
    return failed(
      `${late.length} of ${voters.length} controllers do not follow the leader: ${late.join(', ')}`,
      evidence,
      'look into the logs of those controllers',
    );
  }
  return passed(`controller ${leader} leads ${voters.length} of ${voters.length}`, evidence);
}

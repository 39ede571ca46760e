import type { EventAnswer } from './answer.js';
import { payloadDigest } from './payload-digest.js';

/** An event as a reader of ClickHouse gets it: 64-bit numbers as decimal strings, documents as extended JSON. */
export interface ArrivedEvent {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  /** Epoch milliseconds. */
  readonly ts: string | number;
  readonly payload: string;
}

/**
 * An event of silver in the shape of the answer, to be compared with it: connectors write the same extended JSON with
 * other spaces and in another order of members.
 * @throws SyntaxError when the id or the payload is not JSON.
 */
export function arrivedEvent({ event_id, user_id, event_type, ts, payload }: ArrivedEvent): EventAnswer {
  return {
    event_id: JSON.stringify(JSON.parse(event_id)),
    user_id,
    event_type,
    ts: Number(ts),
    payload: payloadDigest(JSON.parse(payload)),
  };
}

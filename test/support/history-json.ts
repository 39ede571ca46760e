import proto, { type temporal } from '@temporalio/proto';

type History = temporal.api.history.v1.IHistory;

const { History } = proto.temporal.api.history.v1;

/** A workflow's history as plain JSON: numbers of 64 bits and enums as text, payloads in base64. */
export const historyToJson = (history: History): object =>
  History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });

export const historyFromJson = (json: object): History => History.fromObject(json);

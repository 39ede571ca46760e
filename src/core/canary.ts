/** The canary: a reserved user and a reserved event on their way from the sources to gold. Which hop it has not passed. */

export const CANARY_TABLES = ['users', 'events'] as const;
export type CanaryTable = (typeof CANARY_TABLES)[number];

/** What is done to it, in this order. */
export const CANARY_CHANGES = ['insert', 'update', 'delete'] as const;
export type CanaryChange = (typeof CANARY_CHANGES)[number];

/** Where each change must be seen after it was committed, in this order. Gold shows the user and the event together. */
export const CANARY_HOPS = ['topic', 'bronze', 'silver', 'gold'] as const;
export type CanaryHop = (typeof CANARY_HOPS)[number];

/** Debezium's `op` of a change. */
export const OPERATION_OF: Readonly<Record<CanaryChange, string>> = { insert: 'c', update: 'u', delete: 'd' };

/** Between what and what a hop lies, by the names of the pipeline. */
export interface HopNames {
  readonly system: string;
  readonly source: string;
  readonly connector: string;
  readonly topic: string;
  readonly kafkaTable: string;
  readonly bronze: string;
  readonly silver: string;
}

/** The hop that a change did not pass: what lies before it was passed. */
export interface BrokenHop {
  /** By systems, as every finding names it. */
  readonly way: string;
  readonly from: string;
  readonly to: string;
  readonly next: string;
}

export function brokenHop(hop: CanaryHop, names: HopNames): BrokenHop {
  const { system, source, connector, topic, kafkaTable, bronze, silver } = names;
  switch (hop) {
    case 'topic':
      return {
        way: `${system} -> kafka`,
        from: source,
        to: topic,
        next: `look at connector ${connector}: its state and its task's`,
      };
    case 'bronze':
      return {
        way: 'kafka -> clickhouse',
        from: topic,
        to: bronze,
        next: `look at ${kafkaTable}, the view that parses it and system.kafka_consumers`,
      };
    case 'silver':
      return {
        way: 'bronze -> silver',
        from: bronze,
        to: silver,
        next: `look at the materialized view to_${silver}`,
      };
    case 'gold':
      return {
        way: 'clickhouse -> gold',
        from: silver,
        to: 'gold',
        next: 'run the SELECT of core/gold-sql.ts by hand',
      };
  }
}

/** What gold's SELECT gives for the canary's key. */
export interface CanaryGold {
  readonly fullName: string;
  readonly isDeleted: boolean;
  readonly eventsByType: Readonly<Record<string, string>>;
}

/** What the canary looks like after a change; null: gold has no row of it, as its event is gone. */
export const expectedGold = (change: CanaryChange, token: string): CanaryGold | null =>
  change === 'delete'
    ? null
    : { fullName: token, isDeleted: false, eventsByType: { [`canary-${change}`]: '1' } };

export const sameGold = (one: CanaryGold | null, other: CanaryGold | null): boolean =>
  one === null || other === null
    ? one === other
    : one.fullName === other.fullName &&
      one.isDeleted === other.isDeleted &&
      JSON.stringify(one.eventsByType) === JSON.stringify(other.eventsByType);

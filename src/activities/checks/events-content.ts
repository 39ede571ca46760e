import { contentCheck } from '../content/check.js';
import { eventsTable } from '../content/events-table.js';

/** silver_events against the collection of events, document by document, by content. */
export const eventsContent = contentCheck({
  name: 'events-content',
  hop: 'mongo -> clickhouse',
  open: eventsTable,
});

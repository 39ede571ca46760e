import type { Check } from './check.js';
import { eventsContent } from './events-content.js';
import { publication } from './publication.js';
import { usersContent } from './users-content.js';

/** Every check, in the order in which they are shown. A check is one file beside this one, and a line here. */
export const CHECKS: readonly Check[] = [publication, usersContent, eventsContent];

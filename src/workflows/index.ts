/** Every workflow by its Temporal type name; the worker bundles this file. */
export { goldDay } from './gold-day.js';

import type { Dashboard } from './dashboard.js';
import { goldDashboard } from './gold.js';
import { loginsDashboard } from './logins.js';
import { pipelineDashboard } from './pipeline.js';
import { uniquesDashboard } from './uniques.js';

export const DASHBOARDS: readonly Dashboard[] = [
  loginsDashboard,
  uniquesDashboard,
  goldDashboard,
  pipelineDashboard,
];

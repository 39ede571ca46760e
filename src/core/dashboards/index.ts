import type { Dashboard } from './dashboard.js';
import { loginsDashboard } from './logins.js';

export const DASHBOARDS: readonly Dashboard[] = [loginsDashboard];

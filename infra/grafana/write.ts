import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { grafanaFiles } from '../../src/core/dashboards/grafana.js';
import { DASHBOARDS } from '../../src/core/dashboards/index.js';
import { packageRoot } from '../../src/package-root.js';

/** `npm run grafana`: writes Grafana's files of the dashboards as they are declared now. */
for (const [path, text] of grafanaFiles(DASHBOARDS)) {
  const file = join(packageRoot, 'infra', 'grafana', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

import assert from 'node:assert/strict';
import { chooseServices } from '../../../infra/embedded/plan.js';
import { AIRFLOW_SERVICES } from '../../../infra/embedded/services/index.js';

describe('the services of a stack', () => {
  it('are all but Airflow when none are named', () => {
    const services = chooseServices(undefined);
    assert.ok(services.includes('kafka') && services.includes('worker'));
    assert.deepEqual(
      services.filter((name) => name.startsWith('airflow')),
      [],
    );
  });

  it('of Airflow come together, with its tables and what its DAG starts', () => {
    assert.deepEqual(chooseServices(['airflow-triggerer']), ['postgres', 'temporal', ...AIRFLOW_SERVICES]);
  });

  it('include Kafka where Connect is asked for', () => {
    assert.deepEqual(chooseServices(['connect']), ['kafka', 'connect']);
  });

  it('must exist', () => {
    assert.throws(() => chooseServices(['kafka', 'oracle']), { code: 'NO_SERVICE', message: /no oracle; / });
  });
});

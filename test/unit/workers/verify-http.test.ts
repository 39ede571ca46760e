import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PipelineError } from '../../../src/core/errors.js';
import type { Verdict, VerificationResult, VerifyInput } from '../../../src/messages.js';
import { serveHttp } from '../../../src/workers/http-server.js';
import { verifyRoute } from '../../../src/workers/verify-http.js';

describe('GET /verify', () => {
  let server: Server;
  let asked: VerifyInput[] = [];
  let answer: () => Promise<VerificationResult>;
  const came = (verdict: Verdict) => () =>
    Promise.resolve({ verdict, checks: [] } as unknown as VerificationResult);

  before(async () => {
    const run = (input: VerifyInput) => {
      asked.push(input);
      return answer();
    };
    server = await serveHttp({ host: '127.0.0.1', port: 0 }, [verifyRoute({ run })], (fault) => {
      throw fault;
    });
  });
  after(() => void server.close());
  beforeEach(() => {
    asked = [];
    answer = came('Passed');
  });

  const get = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method });

  const verdicts: [Verdict, number][] = [
    ['Passed', 200],
    ['Failed', 424],
    ['Inconclusive', 503],
  ];
  for (const [verdict, status] of verdicts) {
    it(`${verdict}: ${status}, and 200 for who judges the body`, async () => {
      answer = came(verdict);
      const response = await get('/verify');
      assert.equal(response.status, status);
      assert.deepEqual(await response.json(), { verdict, checks: [] });
      assert.equal(response.headers.get('retry-after') !== null, status === 503);
      assert.equal((await get('/verify?status=200')).status, 200);
    });
  }

  it('hands in what is asked for, and never a repair', async () => {
    await get('/verify?only=a,b&skip=c&retries=0');
    assert.deepEqual(asked, [{ only: ['a', 'b'], skip: ['c'], retries: 0, requestedBy: 'http' }]);
    assert.equal((await get('/verify?repair=apply')).status, 400);
    assert.equal(asked.length, 1);
  });

  const refused: [string, string, number][] = [
    ['GET', '/verify?retries=x', 400],
    ['GET', '/verify?status=500', 400],
    ['GET', '/other', 404],
    ['POST', '/verify', 405],
  ];
  for (const [method, path, status] of refused) {
    it(`${method} ${path}: ${status}, and nothing is verified`, async () => {
      assert.equal((await get(path, method)).status, status);
      assert.deepEqual(asked, []);
    });
  }

  const faults: [Error, number][] = [
    [new PipelineError('BAD_CHECKS', 'choosing checks: there is no x'), 400],
    [new PipelineError('VERIFICATION_RUNNING', 'another'), 409],
    [new PipelineError('WORKFLOW_ENDED', 'cancelled'), 503],
    [new TypeError('a secret'), 503],
  ];
  for (const [fault, status] of faults) {
    it(`${fault.name} ${fault instanceof PipelineError ? fault.code : ''}: ${status}`, async () => {
      answer = () => Promise.reject(fault);
      const response = await get('/verify');
      assert.equal(response.status, status);
      assert.doesNotMatch(await response.text(), /secret/);
    });
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { verificationJsonSchema } from '../../src/verification-schema.js';
import type { VerificationResult } from '../../src/messages.js';
import { faultsOfShape } from '../support/verification-shape.js';

const FILE = join(packageRoot, 'docs', 'verification.schema.json');

const RESULT: VerificationResult = {
  verdict: 'Failed',
  summary: 'Failed: 0 of 1 checks passed; failed at kafka',
  checks: [
    {
      check: 'kafka-topics',
      hop: 'kafka',
      verdict: 'Failed',
      summary: 'a topic is missing',
      evidence: { topics: { a: [1, null, 'x', { deep: true }] } },
      next: 'make it',
      attempts: 1,
      durationMs: 1.5,
    },
  ],
  workflowId: 'verify-deployment',
  runId: 'run',
  requestedBy: 'test',
  codeVersion: '0',
  startedAtMs: 1,
  finishedAtMs: 2,
  failureLimit: 0,
  errorLimit: 0,
  recorded: true,
};

describe('the published schema of a verification', () => {
  it('is the file in docs: what is published is what is checked', () => {
    assert.deepEqual(JSON.parse(readFileSync(FILE, 'utf8')), verificationJsonSchema());
  });

  it('takes a result', () => {
    assert.deepEqual(faultsOfShape(RESULT), []);
  });

  const wrong: [string, object][] = [
    ['another verdict', { verdict: 'Maybe' }],
    ['no checks', { checks: [] }],
    ['a member that is not published', { extra: 1 }],
    ['a time that is text', { startedAtMs: 'now' }],
    ['a check without evidence', { checks: [{ ...RESULT.checks[0], evidence: undefined }] }],
  ];
  for (const [what, change] of wrong) {
    it(`refuses ${what}`, () => {
      assert.notDeepEqual(faultsOfShape(JSON.parse(JSON.stringify({ ...RESULT, ...change }))), []);
    });
  }
});

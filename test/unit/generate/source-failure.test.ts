import assert from 'node:assert/strict';
import { MongoBulkWriteError, MongoServerError } from 'mongodb';
import { PipelineError } from '../../../src/core/errors.js';
import { sourceFailure } from '../../../src/generate/source-failure.js';

const withCode = (code: string, message = ''): Error => Object.assign(new Error(message), { code });
const refused = withCode('ECONNREFUSED', 'connect ECONNREFUSED');

describe('generate/source-failure', () => {
  it('says in one line what is wrong', () => {
    const cases: [Error, RegExp][] = [
      [refused, /nothing listens there/],
      [new AggregateError([refused, refused]), /nothing listens there/],
      [withCode('28P01'), /the password is wrong/],
      [withCode('42P01'), /tidemark migrate/],
      [withCode('23505'), /--replace/],
      [new MongoServerError({ message: 'E11000 dup key: { _id: "secret" }', code: 11000 }), /--replace/],
      [new Error('Connection terminated unexpectedly'), /Connection terminated unexpectedly/],
      [withCode('57P01', 'terminating connection'), /error 57P01/],
    ];
    for (const [error, expected] of cases) {
      const failure = sourceFailure('PostgreSQL', 'generating users', error);
      assert.match(failure.message, expected);
      assert.ok(!failure.message.includes('\n'));
      assert.equal((failure as PipelineError).code, 'SOURCE_FAILED');
      assert.equal(failure.cause, error);
    }
  });

  it("leaves a document's values out of it", () => {
    const error = new MongoBulkWriteError(
      { message: 'Document failed validation: { email: "a@b" }', code: 121, writeErrors: [] },
      {} as never,
    );
    assert.equal(
      sourceFailure('MongoDB', 'generating events', error).message,
      'generating events: MongoDB: MongoBulkWriteError 121',
    );
  });

  it('leaves our own errors as they are', () => {
    const own = new PipelineError('SOURCE_CHANGED', 'x');
    assert.equal(sourceFailure('MongoDB', 'generating events', own), own);
  });
});

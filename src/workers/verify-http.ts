import { PipelineError } from '../core/errors.js';
import type { Verdict, VerificationResult, VerifyInput } from '../messages.js';
import { jsonReply, type Reply, type Route } from './http-server.js';

/** What the route needs of the typed client. */
export interface Verifies {
  run(input: VerifyInput): Promise<VerificationResult>;
}

/**
 * 424, as the deployment fails by what it depends on: nobody should ask again unchanged. 503, as nothing is known: asking
 * again may tell.
 */
const STATUS: Readonly<Record<Verdict, number>> = { Passed: 200, Failed: 424, Inconclusive: 503 };
const FAULT_STATUS: Readonly<Record<string, number>> = {
  BAD_CHECKS: 400,
  BAD_OPTION: 400,
  BAD_QUERY: 400,
  VERIFICATION_RUNNING: 409,
};

/**
 * `GET /verify` verifies and answers with the result, when it is there; several at once share one verification. Parameters:
 * `only`, `skip` (names, by commas), `retries`, and `status=200`, which answers 200 whatever the verdict, for tools that judge the body
 * and take any other status for a fault of the measurement. It repairs nothing.
 */
export const verifyRoute =
  (verify: Verifies): Route =>
  ({ pathname, searchParams }) =>
    pathname === '/verify' ? answer(searchParams, verify) : undefined;

async function answer(given: URLSearchParams, verify: Verifies): Promise<Reply> {
  try {
    const { always200, input } = parameters(given);
    const result = await verify.run(input);
    return replyWith(always200 ? 200 : STATUS[result.verdict], result);
  } catch (error) {
    const { code, message } =
      error instanceof PipelineError ? error : { code: 'UNFORESEEN', message: 'see the log' };
    return replyWith(FAULT_STATUS[code] ?? 503, { error: code, message });
  }
}

const replyWith = (status: number, body: object): Reply =>
  jsonReply(status, body, status === 503 ? { 'retry-after': '10' } : {});

const PARAMETERS = new Set(['only', 'skip', 'retries', 'status']);

function parameters(given: URLSearchParams): { always200: boolean; input: VerifyInput } {
  const unknown = [...given.keys()].filter((name) => !PARAMETERS.has(name));
  const status = given.get('status');
  const retries = given.get('retries');
  const isWrong = (status ?? '200') !== '200' || !/^\d{1,3}$/.test(retries ?? '0');
  if (unknown.length > 0 || isWrong) {
    const message = `asking for a verification: there are only=a,b, skip=a,b, retries=n and status=200, not ${given.toString()}`;
    throw new PipelineError('BAD_QUERY', message);
  }
  const names = (name: string): string[] | undefined => given.get(name)?.split(',').filter(Boolean);
  const [only, skip] = [names('only'), names('skip')];
  return {
    always200: status === '200',
    input: {
      ...(only && { only }),
      ...(skip && { skip }),
      ...(retries !== null && { retries: Number(retries) }),
      requestedBy: 'http',
    },
  };
}

import type { DeadLetterList, RedriveReport, ShownBytes, ShownDeadLetter } from '../messages.js';
import { colours } from './colours.js';
import { plainTable } from './table.js';

/** Dead letters as people read them. */

const instant = (ms: number): string => (ms < 0 ? '-' : new Date(ms).toISOString());

export function describeLetters({ topic, letters, foreign, groups }: DeadLetterList): string {
  const table = plainTable(
    ['reason', 'stage', 'job', 'source', 'letters', 'redriven', 'first', 'last', 'some at'],
    ['left', 'left', 'left', 'left', 'right', 'right'],
  );
  for (const group of groups) {
    const { reason, stage, job, source, fromMs, toMs, samples } = group;
    const [first, last] = [instant(fromMs), instant(toMs)];
    table.push([reason, stage, job, source, group.letters, group.redriven, first, last, samples.join(' ')]);
  }
  return [
    `${topic}: ${letters} dead letters`,
    ...(groups.length > 0 ? [table.toString()] : []),
    ...(foreign > 0 ? [colours.yellow(`  ${foreign} records that are no dead letters`)] : []),
  ].join('\n');
}

const shown = (bytes: ShownBytes | null): string =>
  bytes === null ? '(null)' : 'text' in bytes ? bytes.text : `(base64) ${bytes.base64}`;

export function describeLetter(letter: ShownDeadLetter): string {
  const { source, reasons, key, value, headers, today, isRedriven } = letter;
  return [
    `${letter.topic} ${letter.partition}:${letter.offset}`,
    `  reason   ${letter.reason} (${letter.stage})${reasons.length > 1 ? `, all: ${reasons.join(', ')}` : ''}`,
    `  today    ${today}${isRedriven ? ', redriven already' : ''}`,
    `  from     ${source.topic} ${source.partition}:${source.offset}, ${instant(source.timestampMs)}`,
    `  job      ${letter.job}, attempt ${letter.attempt}, given up ${instant(letter.failedAtMs)}`,
    `  key      ${shown(key)}`,
    `  value    ${shown(value)}`,
    ...headers.map(({ name, value: bytes }) => `  header   ${name}: ${shown(bytes)}`),
  ].join('\n');
}

export function describeRedrive(report: RedriveReport): string {
  const { topic, target, outcome, read, passes, groups, today, foreign, unselected } = report;
  const did = outcome === 'dry-run' ? 'would pass' : 'redriven';
  const table = plainTable(
    ['reason', did, 'failing', 'left out', 'redriven before', 'held back'],
    ['left', 'right', 'right', 'right', 'right', 'right'],
  );
  for (const group of groups) {
    table.push([group.reason, group.passes, group.failing, group.filtered, group.done, group.held]);
  }
  const now = Object.entries(today).map(([reason, count]) => `${count} ${reason}`);
  const held = groups.reduce((sum, group) => sum + group.held, 0);
  const verb = outcome === 'dry-run' ? 'would go' : 'went';
  return [
    `${topic}: ${passes} of ${read} records ${verb} to ${target}${outcome === 'stopped' ? ', then it was stopped' : ''}`,
    ...(groups.length > 0 ? [table.toString()] : []),
    ...(now.length > 0 ? [`  those that stay, by what is wrong today: ${now.join(', ')}`] : []),
    ...(held > 0 ? [colours.yellow(`  ${held} were redriven too often: something sends them round`)] : []),
    ...(unselected > 0 ? [`  ${unselected} of other reasons`] : []),
    ...(foreign > 0 ? [colours.yellow(`  ${foreign} records that are no dead letters`)] : []),
  ].join('\n');
}

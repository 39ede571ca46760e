import Table from 'cli-table3';

type Align = 'left' | 'right';

/** A table with a line under its head only, without colours of its own. `aligns`: by column; the rest is left. */
export function plainTable(head: readonly string[], aligns: readonly Align[] = []): Table.Table {
  return new Table({
    head: [...head],
    colAligns: head.map((_, column) => aligns[column] ?? 'left'),
    style: { head: [], border: [] },
    chars: ONLY_COLUMNS,
  });
}

const ONLY_COLUMNS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ mid: '', 'mid-mid': '', 'left-mid': '', 'right-mid': '' },
  ...{ left: '', right: '', middle: ' ' },
};

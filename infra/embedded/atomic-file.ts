import { renameSync, writeFileSync } from 'node:fs';

let writes = 0;

/** A reader, or a crash at any moment, sees the old text or the new one. Mode 0600 unless told otherwise. */
export function writeAtomically(file: string, text: string, mode = 0o600): void {
  const draft = `${file}.${process.pid}.${writes++}`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}

import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * A ClickHouse server as one child process: the library's own `clickhouse-local`, told to listen and then to count
 * the lines of standard input, which blocks until that closes. So closing the pipe, or the death of who holds it,
 * stops the server cleanly. SIGTERM would not.
 *
 * Nothing else of the project may be imported here: whatever looks at `process.stdin` (execa does) makes it
 * non-blocking, and the count ends at once.
 *
 * Arguments: folder of the npm component, data folder, HTTP port, native port, configuration file.
 */
interface ForeignFunctions {
  open: (options: { library: string; path: string }) => void;
  load: (call: {
    library: string;
    funcName: string;
    retType: unknown;
    paramsType: unknown[];
    paramsValue: unknown[];
  }) => unknown;
  DataType: { Void: unknown; I32: unknown; StringArray: unknown };
}

const [components, store, httpPort, nativePort, config] = process.argv.slice(2);
if (components === undefined) throw new Error('starting ClickHouse: no arguments');
const requireThere = createRequire(join(components, 'package.json'));
const { open, load, DataType } = requireThere('ffi-rs') as ForeignFunctions;
const { libchdbPath } = requireThere('chdb/libchdb') as { libchdbPath: () => string };

const args = [
  'clickhouse',
  `--path=${store}`,
  '--listen_host=127.0.0.1',
  `--http_port=${httpPort}`,
  `--tcp_port=${nativePort}`,
  // Always given: a `config.xml` of the working directory would be picked up silently.
  `--config-file=${config}`,
  '--output-format=TSV',
  "--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT count() FROM file('stdin','LineAsString','line String') FORMAT Null",
];
open({ library: 'chdb', path: libchdbPath() });
// The result is a pointer; handing it back to ask for its error crashes, so the return type is Void.
load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.Void,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
});
writeSync(2, 'ClickHouse ended as its standard input closed\n');
// The library's threads must not meet Node's orderly exit.
(process as unknown as { reallyExit(code: number): never }).reallyExit(0);

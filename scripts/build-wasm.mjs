// `npm run build:wasm`: compiles wasm/frame-scan.as and writes it as a module, so that to build or to install needs no compiler for it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Not known to be a module: eslint would follow it into 14 MB. */
const compiler = 'assemblyscript/asc';
const options =
  '-O3 --runtime stub --noAssert --enable simd --initialMemory 1 --importMemory --outFile frame-scan.wasm';

/** The text of src/core/frame-scan-module.ts. */
export async function frameScanModule() {
  const { default: asc } = await import(compiler);
  let wasm;
  // The compiler knows sources by .ts; ours is called .as, since it is no TypeScript.
  const { error, stderr } = await asc.main(['wasm/frame-scan.ts', ...options.split(' ')], {
    readFile: (name) => readFile(join(root, name.replace(/\.ts$/, '.as')), 'utf8').catch(() => null),
    writeFile: (_name, bytes) => void (wasm = bytes),
    listFiles: () => [],
  });
  if (error) throw new Error(`compiling wasm/frame-scan.as: ${error.message}\n${stderr.toString()}`);
  const text = Buffer.from(wasm).toString('base64');
  return `/** wasm/frame-scan.as, compiled by \`npm run build:wasm\`. */\nexport const FRAME_SCAN_MODULE =\n  '${text}';\n`;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(join(root, 'src', 'core', 'frame-scan-module.ts'), await frameScanModule());
}

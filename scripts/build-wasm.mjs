// `npm run build:wasm`: compiles wasm/*.as and writes them as one module, so that to build or to install needs no compiler for them.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Not known to be a module: eslint would follow it into 14 MB. */
const compiler = 'assemblyscript/asc';
const options =
  '-O3 --runtime stub --noAssert --enable simd --enable bulk-memory --initialMemory 1 --importMemory --outFile module.wasm';

const sources = ['wasm/frame-scan', 'wasm/crc32c'];

/** The text of src/core/wasm-module.ts. */
export async function wasmModule() {
  const { default: asc } = await import(compiler);
  let wasm;
  // The compiler knows sources by .ts; ours are called .as, since they are no TypeScript.
  const { error, stderr } = await asc.main(
    [...sources.map((source) => `${source}.ts`), ...options.split(' ')],
    {
      readFile: (name) => readFile(join(root, name.replace(/\.ts$/, '.as')), 'utf8').catch(() => null),
      writeFile: (_name, bytes) => void (wasm = bytes),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`compiling ${sources.join(', ')}: ${error.message}\n${stderr.toString()}`);
  const text = Buffer.from(wasm).toString('base64');
  return `/** wasm/*.as, compiled by \`npm run build:wasm\`. */\nexport const WASM_MODULE =\n  '${text}';\n`;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(join(root, 'src', 'core', 'wasm-module.ts'), await wasmModule());
}

import { parentPort, workerData } from 'node:worker_threads';
import { PieceScanner, type Piece, type PieceSource } from './piece-scanner.js';

/** A thread that scans pieces of a file, see scanned-file.ts. */

const scanner = new PieceScanner(workerData as PieceSource);

parentPort!.on('message', (piece: Piece) => {
  const scanned = scanner.scan(piece);
  parentPort!.postMessage(scanned, [scanned.words.buffer]);
});

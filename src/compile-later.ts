import { setFlagsFromString } from 'node:v8';

/**
 * V8 compiles a function with its optimising compiler once it has run through so many bytes of its bytecode a few times; 66 KiB unless
 * told otherwise. A process that works for a second or two then compiles dozens of functions that run some hundred times in all, on the
 * very cores that are to count. With eight times as much the loops that matter are compiled some milliseconds later, and most
 * others never: 7 % less CPU time for a million frames from a topic, measured in docs/unique-users.md. One that works for
 * hours has compiled all of them before long, either way. To be imported first.
 */
const BYTECODE_BYTES = 8 * 66 * 1024;
/** A flag of V8's, so of some of its versions. It was looked at with this one; others are left alone, and would complain if they had none. */
const NODE = 20;

if (Number(process.versions.node.split('.')[0]) === NODE) {
  setFlagsFromString(`--interrupt-budget=${BYTECODE_BYTES}`);
}

"""Makes hash64.json and sketch.json with an independent implementation (PyPI mmh3, plain Python): run only to add cases.

    python -m venv env && env/bin/pip install mmh3 && env/bin/python test/vectors/make-vectors.py
"""
import hashlib
import json
import pathlib
import struct

import mmh3

HERE = pathlib.Path(__file__).parent
SEED = 0x74696465


def hash64(key: bytes) -> int:
    high, low = struct.unpack("<II", mmh3.hash_bytes(key, SEED, x64arch=False)[:8])
    return high << 32 | low


def sketch(keys: list[bytes], precision: int) -> bytes:
    hashes = sorted({hash64(key) for key in keys})
    header = struct.pack(">BBIBB", 1, 1, SEED, precision, 0 if len(hashes) <= 2 ** (precision - 3) else 1)
    if header[-1] == 0:
        return header + struct.pack(">I", len(hashes)) + b"".join(h.to_bytes(8, "big") for h in hashes)
    registers = [0] * 2**precision
    for value in hashes:
        bits = f"{value:064b}"
        rest = bits[precision:]
        rank = rest.index("1") + 1 if "1" in rest else len(rest) + 1
        index = int(bits[:precision], 2)
        registers[index] = max(registers[index], rank)
    packed = "".join(f"{register:06b}" for register in registers)
    return header + int(packed, 2).to_bytes(len(packed) // 8, "big")


texts = ["", "a", "ab", "abc", "abcd", "12345678", "user-00001", "ed553e783352f2c3", "ed553e783352f2c3a"]
texts += ["пользователь", "\U0001f600", "x" * 31, "x" * 32, "x" * 33, "y" * 1000]
vectors = [{"text": t, "hash": f"{hash64(t.encode()):016x}"} for t in texts]
(HERE / "hash64.json").write_text(json.dumps({"seed": SEED, "vectors": vectors}, indent=2) + "\n")

states = []
for precision in (4, 6, 10, 14, 18):
    limit = 2 ** (precision - 3)
    for count in sorted({0, 1, limit, limit + 1, 5 * limit, 20_000 if precision < 18 else 40_000}):
        state = sketch([f"user-{i}".encode() for i in range(count)], precision)
        case = {"precision": precision, "users": count, "bytes": len(state), "sha256": hashlib.sha256(state).hexdigest()}
        if len(state) <= 64:
            case["hex"] = state.hex()
        states.append(case)
(HERE / "sketch.json").write_text(json.dumps(states, indent=2) + "\n")

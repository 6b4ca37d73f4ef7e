#!/usr/bin/env python3
"""Rounds trained weights to eight bits, for infer.yaml: quantise.py TRAINED OUTPUT. Needs Python 3.

The output holds 65 rows of 64 and 65 rows of 10 weights, as signed bytes. Each layer is scaled so that its
largest weight is 127. Pixels count 16 for one, so biases of the first layer are multiplied by 16; of the
second by what one is after the first: 16 times its scale, shifted.
"""

import struct
import sys
from pathlib import Path

SHIFT = 7

weights = struct.unpack("<4810f", Path(sys.argv[1]).read_bytes())
first, second = weights[: 65 * 64], weights[65 * 64 :]
scale = 127 / max(map(abs, first[: 64 * 64]))
one = 16 * scale / 2**SHIFT
scale_second = 127 / max(map(abs, second[: 64 * 10]))
whole = [round(w * scale) for w in first] + [round(w * scale_second) for w in second]
biases = [round(w * scale * 16) for w in first[64 * 64 :]]
biases += [round(w * scale_second * one) for w in second[64 * 10 :]]
del whole[64 * 64 : 65 * 64], whole[-10:]
Path(sys.argv[2]).write_bytes(struct.pack("<4736b", *whole))
Path(sys.argv[2]).with_suffix(".biases").write_bytes(struct.pack("<74i", *biases))

#!/usr/bin/env python3
"""Makes the inputs of the examples. Needs Python 3 and nothing else.

    ./make.py optdigits.tes

`optdigits.tes` is the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak,
1998, https://archive.ics.uci.edu/dataset/80, CC BY 4.0): 1,797 lines of 64 pixels from 0 to 16 and a digit.
"""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Numbers:
    """Numbers that look random and are the same every time (a 64-bit congruential generator)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 33

    def float(self):
        """A number in [-1, 1) that a single-precision float holds exactly."""
        return (self.next() >> 7) / 2**23 - 1.0


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def digits(path):
    rows = [[int(float(field)) for field in line.split(",")] for line in path.read_text().split()]
    assert len(rows) == 1797 and all(len(row) == 65 for row in rows), "this is not optdigits.tes"
    # The 360 images held out from training stand at the end.
    rows = [row for i, row in enumerate(rows) if i % 5] + rows[::5]
    (HERE / "digits/images.bin").write_bytes(bytes(pixel for row in rows for pixel in row[:64]))
    (HERE / "digits/labels.bin").write_bytes(bytes(row[64] for row in rows))
    means = [256 * pixel for row in rows[:10] for pixel in row[:64]]
    (HERE / "k-means/means.bin").write_bytes(struct.pack("<640i", *means))


def main():
    digits(Path(sys.argv[1]))
    numbers = Numbers(1)
    # Random weights for the first layer, within the square root of 6/64; zeros for all others.
    weights = [numbers.float() * 0.306 for _ in range(64 * 64)] + [0.0] * (64 + 65 * 10)
    (HERE / "digits/start.bin").write_bytes(floats(weights))
    for name in ["a", "b"]:
        (HERE / f"gemm/{name}.bin").write_bytes(floats([numbers.float() for _ in range(192 * 192)]))
    bodies = [value for _ in range(1024) for value in (*(numbers.float() for _ in range(3)), 1 / 1024)]
    (HERE / "n-body/bodies.bin").write_bytes(floats(bodies))


main()

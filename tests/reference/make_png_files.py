"""Writes png_files.json: PNG files of every kind, written here byte by byte with zlib, and their pixels. Needs Pillow.

A case: "file" (hex), "shape" and "pixels" as the file says, and under "converted" the pixels of each colour mode as
Pillow's `convert` gives them (left out for 16 bits and transparent colours, which Pillow treats in its own way).
"""
import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(5)
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_row(row, bits):
    """Samples of one row, most significant bit first."""
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype(np.uint8).tobytes()
    text = "".join(format(int(v), f"0{bits}b") for v in row)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


def filtered(rows, step):
    """Each row with the next of the five filters."""
    out, before = b"", None
    for y, row in enumerate(rows):
        before = before or bytes(len(row))
        kind, line = y % 5, bytearray()
        for x, v in enumerate(row):
            a = row[x - step] if x >= step else 0
            b = before[x]
            c = before[x - step] if x >= step else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((v - [0, a, b, (a + b) // 2, nearest][kind]) % 256)
        out += bytes([kind]) + bytes(line)
        before = row
    return out


def png(samples, color_type, bits, interlaced=False, extra=b""):
    """samples: (height, width, channels)."""
    height, width, channels = samples.shape
    step = max(1, channels * bits // 8)
    parts = [samples]
    if interlaced:
        parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
    data = b"".join(filtered([packed_row(row.reshape(-1), bits) for row in part], step) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data)) +
            chunk(b"IEND", b""))


cases = []


def case(name, file, pixels, convert=True):
    entry = {"name": name, "file": file.hex(), "shape": list(pixels.shape), "pixels": pixels.reshape(-1).tolist()}
    if convert:
        image = Image.open(io.BytesIO(file))
        base = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels.shape[-1]]
        assert np.array_equal(np.asarray(image.convert(base)).reshape(pixels.shape), pixels), name
        modes = {"grayscale": "L", "grayscale_alpha": "LA", "rgb": "RGB", "rgba": "RGBA"}
        entry["converted"] = {
            mode: np.asarray(image.convert(base).convert(kind)).reshape(-1).tolist() for mode, kind in modes.items()}
    cases.append(entry)


def samples(channels, bits, height=7, width=11):
    return rng.integers(0, 2 ** bits, (height, width, channels))


for interlaced in (False, True):
    tail = " interlaced" if interlaced else ""
    for bits in (1, 2, 4, 8, 16):
        s = samples(1, bits)
        grey = np.rint(s * 255 / (2 ** bits - 1)).astype(np.uint8)
        case(f"grey {bits}{tail}", png(s, 0, bits, interlaced), grey, bits == 8)
    for color_type, channels in ((4, 2), (2, 3), (6, 4)):
        for bits in (8, 16):
            s = samples(channels, bits)
            case(f"type {color_type} of {bits}{tail}", png(s, color_type, bits, interlaced),
                 np.rint(s * 255 / (2 ** bits - 1)).astype(np.uint8), bits == 8)
    for bits in (1, 2, 4, 8):
        s = samples(1, bits)
        palette = rng.integers(0, 256, (2 ** bits, 3)).astype(np.uint8)
        case(f"palette {bits}{tail}", png(s, 3, bits, interlaced, chunk(b"PLTE", palette.tobytes())), palette[s[..., 0]])
s = samples(1, 4)
palette = rng.integers(0, 256, (16, 3)).astype(np.uint8)
alpha = np.full(16, 255, np.uint8)
alpha[:5] = [0, 10, 128, 254, 77]
case("palette with transparency", png(s, 3, 4, False, chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", alpha[:5].tobytes())),
     np.concatenate([palette[s[..., 0]], alpha[s]], -1))
s = samples(1, 2)
case("grey with a transparent colour", png(s, 0, 2, False, chunk(b"tRNS", struct.pack(">H", 1))),
     np.concatenate([s * 85, np.where(s == 1, 0, 255)], -1).astype(np.uint8), False)
s = rng.integers(0, 2, (7, 11, 3)) * 200
case("rgb with a transparent colour", png(s, 2, 8, False, chunk(b"tRNS", struct.pack(">HHH", 200, 0, 200))),
     np.concatenate([s, np.where((s == [200, 0, 200]).all(-1, keepdims=True), 0, 255)], -1).astype(np.uint8), False)
s = samples(1, 8, 1, 1)
case("one pixel", png(s, 0, 8), s.astype(np.uint8))
s = samples(3, 8)
gamma = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"tEXt", b"Comment\0nothing")
case("gamma is not applied", png(s, 2, 8, False, gamma), s.astype(np.uint8))

path = pathlib.Path(__file__).with_name("png_files.json")
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")

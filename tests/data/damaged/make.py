"""Writes PNG and JPEG files, and what Pillow makes of them when they are cut short or damaged at each of their bytes.

Pillow reads them in the order in which ComfyUI's LoadImage does: strictly, and once more leniently if that fails.
"""

import io
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageFile, ImageOps

HERE = pathlib.Path(__file__).parent


def save(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def in_chunks(file, length):
    """The file with its pixels in chunks of so many bytes."""
    start = file.index(b"IDAT") - 4
    (all_of_them,) = struct.unpack(">I", file[start : start + 4])
    data = file[start + 8 : start + 8 + all_of_them]
    parts = [chunk(b"IDAT", data[at : at + length]) for at in range(0, len(data), length)]
    return file[:start] + b"".join(parts) + file[start + 12 + all_of_them :]


def leniently(read, what):
    try:
        return read(what)
    except (OSError, ValueError):
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        return read(what)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def result(file):
    """The checksum of the pixels, or a stroke for a file that is refused."""
    try:
        image = leniently(Image.open, io.BytesIO(file))
        image = leniently(ImageOps.exif_transpose, image)
        return f"{zlib.crc32(image.convert('RGB').tobytes()):08x}"
    except Exception:
        return "-"


def flipped(file, at):
    return file[:at] + bytes([file[at] ^ 1 << at % 8]) + file[at + 1 :]


def pixels(*channels, mode=None):
    return Image.fromarray(numpy.stack(channels, -1).astype(numpy.uint8).squeeze(), mode)


y, x = numpy.mgrid[0:48, 0:64]
noise = numpy.random.default_rng(7).integers(0, 256, (12, 16))
noise[4:9] = 200
files = {
    "gradient.png": save(pixels(x // 8 * 9, y // 6 * 11, x // 16 + y // 8), "PNG", compress_level=6),
    "chunks.png": in_chunks(save(pixels(noise), "PNG", compress_level=9), 20),
}
y, x = numpy.mgrid[0:24, 0:20]
files |= {
    "grey.jpg": save(pixels(90 + 3 * y), "JPEG", optimize=True),
    "colours.jpg": save(pixels(90 + 3 * y, 140 + 2 * x, 100 + x + y), "JPEG", progressive=True, optimize=True),
    "inks.jpg": save(pixels(90 + y, 120 + 2 * x, 99 + x + y, 80 + x, mode="CMYK"), "JPEG", optimize=True),
}
# Values far outside of what a pixel can be: libjpeg's code for vector units clips them, its C code lets them wrap.
FAR_OUTSIDE = {
    "grey.jpg": {123, 147},
    "colours.jpg": {491},
    "inks.jpg": {23, 131, 163},
}
lines = []
for name, file in files.items():
    (HERE / name).write_bytes(file)
    for at in range(file.index(b"IDAT") + 4 if name.endswith("png") else 3, len(file)):
        of_flipped = "?" if at in FAR_OUTSIDE.get(name, ()) else result(flipped(file, at))
        lines.append(f"{name} {at} {result(file[:at])} {of_flipped}\n")
(HERE / "results.txt").write_text("".join(lines))

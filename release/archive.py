"""Archives whose bytes depend on what is in them, and on nothing else."""

import io
import struct
import tarfile
import zlib


def tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    """An archive of these files, each with its mode; folders are made where names have them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted({*files, *folders(files)}):
            entry = tarfile.TarInfo(name)
            if name in files:
                content, entry.mode = files[name]
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
    return out.getvalue()


def folders(names) -> set[str]:
    """All folders above these files."""
    parts = [name.split("/")[:-1] for name in names]
    return {"/".join(it[: end + 1]) for it in parts for end in range(len(it))}


def gzip(content: bytes) -> bytes:
    """Without name, time or system in its header; Python's own differs between its versions."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    header = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return header + deflate.compress(content) + deflate.flush() + trailer

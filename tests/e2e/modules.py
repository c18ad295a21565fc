"""The module as a test wants it: other versions, and one that can be made to trap. Made of the bytes of the module."""

import re


def number(value):
    """LEB128, unsigned."""
    found = b""
    while True:
        value, low = value >> 7, value & 127
        found += bytes([low | (128 if value else 0)])
        if not value:
            return found


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self):
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def name(self):
        return self.take(self.number()).decode()


TYPE, IMPORT, FUNCTION, EXPORT, CODE = 1, 2, 3, 7, 10


def sections(data):
    assert data[:8] == b"\0asm\1\0\0\0", "no module"
    reader = Reader(data)
    reader.take(8)
    found = []
    while reader.at < len(data):
        kind = reader.take(1)[0]
        found.append((kind, reader.take(reader.number())))
    return found


def assemble(found):
    return b"\0asm\1\0\0\0" + b"".join(bytes([kind]) + number(len(body)) + body for kind, body in found)


def appended(body, item):
    """A vector, with one more."""
    reader = Reader(body)
    count = reader.number()
    return number(count + 1) + body[reader.at :] + item


def imported_functions(body):
    """How many there are; a module of Rust imports nothing else."""
    reader = Reader(body)
    count = reader.number()
    for _ in range(count):
        reader.name(), reader.name()
        assert reader.take(1) == b"\0", "it imports what is no function"
        reader.number()
    return count


def exported(body, name):
    """The index of an exported function, and the section with another in its place."""
    reader = Reader(body)
    for _ in range(reader.number()):
        is_it, kind, start = reader.name() == name, reader.take(1), reader.at
        index = reader.number()
        if is_it and kind == b"\0":
            return index, lambda other, start=start: body[:start] + number(other) + body[reader.at :]
    raise ValueError(f"{name} is not exported")


def trapping(data, headers):
    """The same, but that a request of exactly so many headers, fewer than 64, traps it."""
    found = sections(data)
    parts = dict(found)
    imports = imported_functions(parts[IMPORT])
    types = Reader(parts[FUNCTION])
    kinds = [types.number() for _ in range(types.number())]
    callback, replace = exported(parts[EXPORT], "proxy_on_request_headers")
    # if (count == headers) unreachable; return callback(context, count, end)
    code = b"\0" + b"\x20\1\x41" + number(headers) + b"\x46\x04\x40\0\x0b" + b"\x20\0\x20\1\x20\2\x10" + number(callback) + b"\x0b"
    new = {
        FUNCTION: appended(parts[FUNCTION], number(kinds[callback - imports])),
        EXPORT: replace(imports + len(kinds)),
        CODE: appended(parts[CODE], number(len(code)) + code),
    }
    return assemble([(kind, new.get(kind, body)) for kind, body in found])


def released(data, version, texts):
    """Another release: it tells another version when it starts, and has other texts, each of the same length."""
    (own,) = re.findall(rb"\x07version(\d+\.\d+\.\d+)", data)
    for old, new in {own: version, **texts}.items():
        assert len(old) == len(new) and old in data, f"the module has no text {old}"
        data = data.replace(old, new)
    return data

"""The custom sections of a module."""


def sections(module):
    """Their contents, by name."""
    found, at = {}, 8
    while at < len(module):
        kind, at = module[at], at + 1
        length, at = number(module, at)
        if kind == 0:
            size, start = number(module, at)
            name = module[start : start + size].decode()
            found[name] = module[start + size : at + length]
        at += length
    return found


def number(module, at):
    """LEB128."""
    value = shift = 0
    while True:
        byte, at = module[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7

"""Prints the rules of the public-suffix list in ASCII, as browsers write names: `公司.cn` becomes `xn--55qx5d.cn`."""

import pathlib
import sys


def ascii_label(label):
    return label if label.isascii() else "xn--" + label.lower().encode("punycode").decode()


def main():
    print("// The Public Suffix List (https://publicsuffix.org/), under the Mozilla Public License 2.0")
    for rule in sorted(pathlib.Path(sys.argv[1]).read_text().split()):
        print(".".join(map(ascii_label, rule.split("."))))


if __name__ == "__main__":
    main()

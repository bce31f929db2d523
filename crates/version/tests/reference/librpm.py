"""Tab-separated pairs on stdin, <, = or > a line on stdout, by librpm; ? where it takes either for invalid."""
import sys

import rpm


def parts(text):
    digits = len(text) - len(text.lstrip("0123456789"))
    epoch = None
    if text[digits : digits + 1] == ":":
        epoch, text = text[:digits] or "0", text[digits + 1 :]
    version, _, release = text.rpartition("-")
    return (epoch, version, release) if "-" in text else (epoch, text, None)


for line in sys.stdin:
    a, b = line.rstrip("\n").split("\t")
    try:
        print("<=>"[rpm.labelCompare(parts(a), parts(b)) + 1])
    except ValueError:
        print("?")

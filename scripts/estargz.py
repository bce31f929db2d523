#!/usr/bin/env python3
"""Converts the layers of an OCI layout to eStargz, for measurements: estargz.py FROM TO.

As docs/estargz.md of containerd's stargz-snapshotter describes the format, with its writer's defaults: members of at most
four megabytes, no prioritised files. Files pass through in pieces; of a layer only the table is held.
"""
import datetime
import hashlib
import io
import json
import os
import sys
import tarfile
import zlib

CHUNK = 4 << 20
LANDMARK = ".no.prefetch.landmark"
TABLE = "stargz.index.json"
TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
TYPES = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink", tarfile.CHRTYPE: "char",
         tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}


class Members:
    """Gzip members one after the other, with the digests of what they are and what they hold."""

    def __init__(self, out):
        self.out, self.written, self.member = out, 0, None
        self.digest, self.diff_id = hashlib.sha256(), hashlib.sha256()

    def raw(self, data):
        self.digest.update(data)
        self.out.write(data)
        self.written += len(data)

    def write(self, data):
        if self.member is None:
            self.member = zlib.compressobj(int(os.environ.get("LEVEL", "9")), zlib.DEFLATED, 31)
        self.diff_id.update(data)
        self.raw(self.member.compress(data))

    def close(self):
        """Ends the member; where the next begins."""
        if self.member is not None:
            self.raw(self.member.flush())
            self.member = None
        return self.written


def header(entry):
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def record(entry, kind):
    told = {"name": entry.name + "/" * entry.isdir(), "type": kind, "mode": entry.mode, "uid": entry.uid, "gid": entry.gid}
    seconds = int(entry.mtime)
    if seconds:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        told["modtime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if entry.linkname:
        told["linkName"] = entry.linkname
    return told


def append(members, records, entry, content):
    members.write(header(entry))
    if entry.type in TYPES:
        records.append(record(entry, TYPES[entry.type]))
        return
    first = told = record(entry, "reg")
    whole, at = hashlib.sha256(), 0
    if entry.size == 0:
        records.append(told)
    else:
        told["size"] = entry.size
    while at < entry.size:
        told["offset"] = members.close()
        if at:
            told["chunkOffset"] = at
        piece = content.read(min(CHUNK, entry.size - at))
        if not piece:
            sys.exit(f"estargz: {entry.name} ends early")
        if entry.size - at >= CHUNK:
            told["chunkSize"] = len(piece)
        told["chunkDigest"] = "sha256:" + hashlib.sha256(piece).hexdigest()
        whole.update(piece)
        members.write(piece)
        at += len(piece)
        records.append(told)
        told = {"name": entry.name, "type": "chunk"}
    first["digest"] = "sha256:" + whole.hexdigest()
    members.write(bytes(-entry.size % 512))


def layer(source, out):
    """Writes the layer; gives its table's digest, the members, and nothing that grows with it but the table."""
    members, records = Members(out), []
    mark = tarfile.TarInfo(LANDMARK)
    mark.size, mark.mode = 1, 0
    append(members, records, mark, io.BytesIO(b"\x0f"))
    archive = tarfile.open(fileobj=source, mode="r|*")
    for entry in archive:
        if entry.name not in (TABLE, LANDMARK):
            append(members, records, entry, archive.extractfile(entry) if entry.isreg() else None)
        # What tarfile remembers of each would fill the memory.
        archive.members = []
    offset = members.close()
    text = json.dumps({"version": 1, "entries": records}, indent="\t").encode()
    table = tarfile.TarInfo(TABLE)
    table.size, table.mode = len(text), 0
    members.write(header(table))
    members.write(text + bytes(-len(text) % 512) + bytes(1024))
    members.close()
    footer = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0" + b"%016xSTARGZ" % offset + b"\x01\0\0\xff\xff" + bytes(8)
    members.raw(footer)
    return "sha256:" + hashlib.sha256(text).hexdigest(), members


def blob(layout, digest):
    return os.path.join(layout, "blobs", *digest.split(":"))


def read(layout, digest):
    with open(blob(layout, digest), "rb") as file:
        return json.load(file)


def write(layout, document):
    data = json.dumps(document).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    with open(blob(layout, digest), "wb") as file:
        file.write(data)
    return digest, len(data)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: estargz.py FROM TO (OCI layouts)")
    origin, target = sys.argv[1:]
    os.makedirs(os.path.join(target, "blobs/sha256"))
    with open(os.path.join(origin, "index.json")) as file:
        index = json.load(file)
    described = index["manifests"][0]
    manifest = read(origin, described["digest"])
    config = read(origin, manifest["config"]["digest"])
    for number, descriptor in enumerate(manifest["layers"]):
        path = os.path.join(target, "layer")
        with open(blob(origin, descriptor["digest"]), "rb") as source, open(path, "wb") as out:
            toc, members = layer(source, out)
        digest = "sha256:" + members.digest.hexdigest()
        os.rename(path, blob(target, digest))
        manifest["layers"][number] = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest,
                                      "size": members.written, "annotations": {TOC_DIGEST: toc}}
        config["rootfs"]["diff_ids"][number] = "sha256:" + members.diff_id.hexdigest()
        print(f"{descriptor['size']} -> {members.written} bytes", flush=True)
    manifest["config"]["digest"], manifest["config"]["size"] = write(target, config)
    described["digest"], described["size"] = write(target, manifest)
    with open(os.path.join(target, "index.json"), "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [described]}, file)
    with open(os.path.join(target, "oci-layout"), "w") as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')


if __name__ == "__main__":
    main()

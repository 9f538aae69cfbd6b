"""Tar files for WebDataset, with the pictures in them: an example is a sample, so that each picture is there once.

    00000000012.0.png
    00000000012.1.png
    00000000012.json    {"id": "findings_generation/lab/1", "images": ["0.png", "1.png"], "missing": [],
                         "chats": [{"id": "findings_generation/lab/1#0", "images": ["0.png", "1.png"],
                                    "messages": [{"role": "user", "content": "<image><image>What do you see?"},
                                                 {"role": "assistant", "content": "Edema."}]}]}

WebDataset takes for the key of a sample what stands before the first dot, so it is a number, and dots in names of files do
no harm. A sample of which a picture is not there lacks it and says so in `missing`; the run counts them (CXR817).
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from cxrspec.runtime.chat import chat, conversation
from cxrspec.runtime.emitters import About, Shard

NEEDS: Mapping[str, str] = {}

SAMPLES = 1_000
"""In one file: about a gigabyte of radiographs."""


def write(shard: Shard) -> list[Path]:
    """Write the examples of a shard as samples."""
    samples = [*_samples(shard)]
    written: list[Path] = []
    for first in range(0, len(samples), SAMPLES):
        path = shard.path(f"-{len(written):05d}.tar")
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for number, sample in enumerate(samples[first : first + SAMPLES], first):
                _add(tar, f"{shard.number:05d}{number:06d}", sample, shard.about)
        written.append(path)
    return written


def _samples(shard: Shard) -> Iterator[dict[str, Any]]:
    """The examples with their rows of chat, and images by their paths."""
    messages = conversation("role", "content", "user", "assistant").alias("messages")
    rows = chat(shard).select("id", "images", messages).iter_rows(named=True)
    counts = shard.examples["turns"].list.len().clip(0, 1 if shard.about.dialogue else None)
    for id, images, count in zip(shard.examples["id"], shard.examples["images"], counts, strict=True):
        yield {"id": id, "images": [*images], "chats": [*islice(rows, count)]}


def _add(tar: tarfile.TarFile, key: str, sample: dict[str, Any], about: About) -> None:
    """Add a sample: its pictures, then what is said of them."""
    names = {path: f"{n}{PurePosixPath(path).suffix.lower()}" for n, path in enumerate(dict.fromkeys(sample["images"]))}
    missing: list[str] = []
    for path, name in names.items():
        with about.picture(path) or nullcontext() as file:
            if file is None:
                missing.append(name)
            else:
                _member(tar, f"{key}.{name}", file, os.fstat(file.fileno()).st_size)
    chats = [{**chat, "images": [names[path] for path in chat["images"]]} for chat in sample["chats"]]
    images = [names[path] for path in sample["images"]]
    told = {"id": sample["id"], "images": images, "missing": missing, "chats": chats}
    text = json.dumps(told, ensure_ascii=False).encode()
    _member(tar, f"{key}.json", io.BytesIO(text), len(text))


def _member(tar: tarfile.TarFile, name: str, file: BinaryIO, size: int) -> None:
    """Add a file. Nothing is said of who wrote it, and when: a new `TarInfo` has zeros there."""
    member = tarfile.TarInfo(name)
    member.size = size
    tar.addfile(member, file)

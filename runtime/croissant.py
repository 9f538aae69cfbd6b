"""croissant.json of an output: what it holds, in the vocabulary of Croissant 1.1 (docs.mlcommons.org/croissant).

Its files with their sha256, a record set for each spec, splits, boxes, what it was made from and by, and the terms
of use. Readers such as mlcroissant load the records from the files beside it. It bears no date, so that the same output
is described by the same bytes: who publishes it adds `datePublished`, and `url`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime.manifest import Manifest, Source, Spec, in_words
from cxrspec.runtime.output import MANIFEST
from cxrspec.runtime.stats import CORPUS

Node: TypeAlias = dict[str, Any]

_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_MEDIA = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines"}
_SPLIT_TYPES = {"train": "cr:TrainingSplit", "val": "cr:ValidationSplit", "test": "cr:TestSplit"}
_TEXT, _INT, _FLOAT = "sc:Text", "sc:Integer", "sc:Float"

_TEXTS = {
    "id": "`<task>/<source>/<key>`, unique in the corpus",
    "task": "the family of questions",
    "source": "the dataset it was made from",
    "space": "the set of patients it belongs to",
    "patient_id": "the patient, with the space before it; none where no id was released",
    "study_id": "the study, with the space before it",
    "target": "the first turn's answer as JSON, for evaluation",
}
_LISTS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "sizes": (
        "width and height of the image in pixels, where there are boxes",
        "",
        {"width": _INT, "height": _INT},
    ),
    "turns": (
        "prompts with their answers: alternatives, not a conversation",
        "",
        {"prompt": _TEXT, "answer": _TEXT, "form": _TEXT},
    ),
    "boxes": (
        "the boxes of the first turn: corners as shares of the image's width and height",
        "cr:BoundingBox",
        {"image": _INT, "label": _TEXT, "x1": _FLOAT, "y1": _FLOAT, "x2": _FLOAT, "y2": _FLOAT},
    ),
}


def croissant(manifest: Manifest, sha256: str) -> str:
    """The text of croissant.json for the output that `manifest` describes; `sha256` is that of its manifest.json."""
    specs = [spec for spec in manifest.specs if spec.files]
    described: Node = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": CORPUS,
        "description": "Images, prompts and answers on chest radiographs, made from the sources by declarative task specs.",
        "version": "1.0.0",
        "license": sorted({source.license for source in manifest.sources}),
        "citeAs": "\n".join(work for source in manifest.sources for work in source.cite),
        "isLiveDataset": False,
        "inLanguage": ["en"],
        "usageInfo": _usage(specs),
        "prov:wasDerivedFrom": [_origin(source) for source in manifest.sources],
        "prov:wasGeneratedBy": _activity(manifest),
        "rai:dataLimitations": _limits(manifest),
        "distribution": [_manifest(sha256), *(node for spec in specs for node in _files(spec, manifest.emit))],
        "recordSet": [_splits(), *(_records(spec) for spec in specs)],
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _manifest(sha256: str) -> Node:
    return {
        "@type": "cr:FileObject",
        "@id": MANIFEST,
        "name": MANIFEST,
        "description": "Versions, seed, attrition, and every file that was read or written with its sha256.",
        "contentUrl": MANIFEST,
        "encodingFormat": "application/json",
        "sha256": sha256,
    }


def _files(spec: Spec, format: str) -> Iterable[Node]:
    """The files of a spec with what they hold, and all of them as one."""
    for file in spec.files:
        yield {
            "@type": "cr:FileObject",
            "@id": file.path,
            "name": PurePosixPath(file.path).name,
            "contentUrl": file.path,
            "contentSize": f"{file.size} B",
            "encodingFormat": _MEDIA[format],
            "sha256": file.sha256,
        }
    yield {
        "@type": "cr:FileSet",
        "@id": f"{spec.name}/files",
        "name": f"{spec.name}/files",
        "description": f"All examples of {spec.name}.",
        "encodingFormat": _MEDIA[format],
        "includes": [file.path for file in spec.files],
    }


def _splits() -> Node:
    rows = [{"splits/name": split, "splits/url": _SPLIT_TYPES[split]} for split in SPLITS]
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits; no patient stands on two sides of one, but for what the card lists.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": _TEXT},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": "sc:URL"},
        ],
        "data": rows,
    }


def _records(spec: Spec) -> Node:
    """The examples of a spec: a field for each column, with parts for those of lists of records."""
    rows = sum(counts.rows for counts in spec.splits.values())
    split = _field(spec, "split", "sc:Text", "which side of the split it stands on")
    texts = [_field(spec, name, _TEXT, text) for name, text in _TEXTS.items()]
    lists = [
        _field(spec, "images", _TEXT, "paths of the images below the data root, in order", many=True),
        _field(spec, "origin", _TEXT, "`generated` where machine-written text took part", many=True),
        *(_list(spec, name, *of) for name, of in _LISTS.items()),
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": spec.name,
        "name": spec.name,
        "description": f"{rows:,} examples. Terms: {in_words(spec.terms)}.",
        "key": {"@id": f"{spec.name}/id"},
        "field": [*texts, {**split, "references": {"field": {"@id": "splits/name"}}}, *lists],
    }


def _field(spec: Spec, name: str, type: str, text: str, many: bool = False) -> Node:
    field: Node = {
        "@type": "cr:Field",
        "@id": f"{spec.name}/{name}",
        "name": name,
        "description": text,
        "dataType": type,
        "source": _column(spec, name),
    }
    return {**field, "isArray": True, "arrayShape": "-1"} if many else field


def _list(spec: Spec, name: str, text: str, type: str, parts: Mapping[str, str]) -> Node:
    """A list of records: it has a part for each of their fields, a list as long as the others."""
    shape = {"isArray": True, "arrayShape": "-1"}
    return {
        "@type": "cr:Field",
        "@id": f"{spec.name}/{name}",
        "name": name,
        "description": text,
        **({"dataType": type} if type else {}),
        "repeated": True,
        "subField": [
            {
                "@type": "cr:Field",
                "@id": f"{spec.name}/{name}/{part}",
                "name": part,
                "dataType": of,
                "source": {**_column(spec, name), "transform": {"jsonPath": part}},
                **shape,
            }
            for part, of in parts.items()
        ],
    }


def _column(spec: Spec, name: str) -> Node:
    return {"fileSet": {"@id": f"{spec.name}/files"}, "extract": {"column": name}}


# ---- where it comes from, and what may be done with it


def _usage(specs: Iterable[Spec]) -> list[str]:
    """The terms of its parts; each set of them once, with the parts that it binds."""
    bound: dict[str, list[str]] = {}
    for spec in specs:
        bound.setdefault(in_words(spec.terms), []).append(spec.name)
    return [f"{words} ({', '.join(names)})" for words, names in sorted(bound.items())]


def _origin(source: Source) -> Node:
    return {
        "@id": source.homepage,
        "prov:label": source.title,
        "sc:license": source.license,
        "sc:usageInfo": in_words(source.use),
        "sc:citation": list(source.cite),
    }


def _activity(manifest: Manifest) -> Node:
    versions = manifest.versions
    return {
        "@type": "prov:Activity",
        "prov:label": f"cxrspec {versions.cxrspec} with seed {manifest.seed}, mode {manifest.mode}",
        "prov:used": {"@id": MANIFEST},
    }


def _limits(manifest: Manifest) -> list[str]:
    """What a reader should know before counting on it."""
    found = [f"{spec.name}: its split is its own: {spec.own_split}" for spec in manifest.specs if spec.own_split]
    found += [
        f"{spec.name}: its prompts print what the answer says: {spec.leak}" for spec in manifest.specs if spec.leak
    ]
    if manifest.mode == "published":
        found.append("Made as published, known defects included: a patient may stand on two sides of a split.")
    if manifest.demo:
        found.append("Made of made-up data: nothing in it is about anybody.")
    return found

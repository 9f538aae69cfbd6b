"""A small made-up data root of the sources that ship, for `cxrspec run --demo`: true layouts, invented content.

    openi/NLMCXR_reports.tgz                         reports as XML: gaps in the numbers, texts and images that lack
    rsna/kaggle_stage_2_train_labels.csv.zip         one CSV, a row for each box, or one with blank cells

Nothing is random: what looks so is a hash of a name, and texts are drawn from prompt grammars as a task's are.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_prompt
from cxrspec.compiler.prompts import Wheel, lay_out, leaf, resolve
from cxrspec.compiler.syntax import Prompt
from cxrspec.runtime.output import OutputError

REPORTS = 60
PATIENTS = 120


def demo_root() -> Path:
    """The data root, in the user's cache; it is made when it is not there, or when this file has changed.

    Raises:
        OutputError: CXR803, the cache cannot be written.
    """
    from platformdirs import user_cache_path

    version = sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    root = user_cache_path("cxrspec") / f"demo-{version}"
    try:
        if not root.is_dir():
            root.parent.mkdir(parents=True, exist_ok=True)
            _make_beside(root)
    except OSError as error:
        reason = f"the demo data cannot be written: {type(error).__name__}"
        raise OutputError("CXR803", reason, f"the cache is {root.parent}; XDG_CACHE_HOME moves it") from error
    return root


def _make_beside(root: Path) -> None:
    """Make the root under another name, then give it its own: what is there is always whole."""
    with tempfile.TemporaryDirectory(prefix=f".{root.name}.", dir=root.parent) as folder:
        made = Path(folder) / root.name
        make(made)
        try:
            made.rename(root)
        except OSError:
            if not root.is_dir():  # else another process was faster, with the same bytes
                raise


def make(root: Path) -> None:
    """Write the data root; the same bytes every time."""
    for name, data in {
        "openi/NLMCXR_reports.tgz": _tgz({f"ecgen-radiology/{n}.xml": _report(n) for n in _numbers()}),
        "rsna/kaggle_stage_2_train_labels.csv.zip": _zip({"stage_2_train_labels.csv": _labels()}),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)


# ---- draws and texts


def _draw(below: int, *name: object) -> int:
    """A whole number from 0 up to `below`, the same for the same name."""
    digest = sha256("/".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


_TEXTS = {
    "findings": r"""
        <heart> <lungs> [<pleura> ][<rest>]
        <lungs> <heart> [<rest>]
        <heart> <pleura> <lungs>
    """,
    "impression": r"""
        [1. ]<verdict>
        <verdict> [Compared with XXXX, there is (no|little) change.]
    """,
    "indication": "XXXX-year-old (male|female) with (cough|fever|chest pain|dyspnea), XXXX.",
    "heart": "(The heart is|Heart size is) (normal|at the upper limit of normal|mildly enlarged).",
    "lungs": r"""
        (The lungs|Both lungs) are (clear|well expanded and clear|hyperexpanded).
        There is (a patchy|a small|an ill-defined) opacity in the (left|right) (lower|upper|middle) zone.
        (Streaky|Linear) opacities at the (left|right) base (suggest|are compatible with) atelectasis.
    """,
    "pleura": "(No (effusion|pneumothorax) is seen|There is no (pleural effusion|effusion or pneumothorax)).",
    "rest": "(Bones are intact|The XXXX are intact|A XXXX line ends in the superior vena cava).",
    "verdict": r"""
        (No acute|No active) (disease|cardiopulmonary process|abnormality).
        (Possible|Probable) (left|right) (basal|upper zone) (pneumonia|atelectasis). Follow-up in XXXX.
        (Mild|Moderate) cardiomegaly without (failure|edema).
    """,
}  # fmt: skip


@cache
def _wheel(kind: str) -> Wheel:
    report = Report()
    parsed = {name: parse_prompt(text, lambda a, b: Span("", a, b), report) for name, text in _TEXTS.items()}
    rules: Mapping[str, Prompt] = {name: prompt for name, prompt in parsed.items() if prompt is not None}
    wheel = lay_out(resolve(rules[kind], rules, report))
    assert not report.errors
    return wheel


def _text(kind: str, *name: object) -> str:
    wheel = _wheel(kind)
    return " ".join("".join(map(str, leaf(wheel, _draw(wheel.tickets, kind, *name)))).split())


# ---- openi


def _numbers() -> Iterator[int]:
    """The numbers of reports, with gaps."""
    return (n for n in range(1, REPORTS + 1) if n % 9)


def _report(n: int) -> str:
    sections = {
        "COMPARISON": "None." if n % 2 else "XXXX.",
        "INDICATION": _text("indication", n),
        "FINDINGS": "" if n % 7 == 3 else _text("findings", n),
        "IMPRESSION": "" if n % 11 == 5 else _text("impression", n),
    }
    abstract = "".join(
        f'\n            <AbstractText Label="{label}"' + (f">{text}</AbstractText>" if text else "/>")
        for label, text in sections.items()
    )
    images = "".join(_image(n, place) for place in range(0 if n % 13 == 4 else 1 + n % 3))
    return f"""<?xml version="1.0" encoding="utf-8"?>
<eCitation>
   <meta type="rr"/>
   <uId id="CXR{n}"/>
   <pmcId id="{n}"/>
   <docSource>CXR</docSource>
   <IUXRId id="{n}"/>
   <title>Made-up chest X-ray report</title>
   <MedlineCitation Owner="cxrspec" Status="made up">
      <Article PubModel="Electronic">
         <Abstract>{abstract}
         </Abstract>
      </Article>
   </MedlineCitation>
   <MeSH>
      <major>normal</major>
   </MeSH>{images}
</eCitation>
"""


def _image(n: int, place: int) -> str:
    """An image in one of the two ways in which the collection names them."""
    film, view = 1 + _draw(3000, "film", n), 1001 + 1000 * place
    name = f"CXR{n}_1_IM-{film:04d}-{view}" if n % 2 else f"CXR{n}_IM-{film:04d}-{view}"
    return f"""
   <parentImage id="{name}">
      <figureId>F{place + 1}</figureId>
      <caption>Chest XXXX.</caption>
      <panel type="single">
         <url>/made/up/{name}.jpg</url>
      </panel>
   </parentImage>"""


# ---- rsna


def _labels() -> str:
    rows = [row for n in range(PATIENTS) for row in _boxes(n)]
    return "\n".join(["patientId,x,y,width,height,Target", *sorted(rows)]) + "\n"


def _boxes(n: int) -> list[str]:
    """The rows of a patient: one for each of up to three boxes, or one with blank cells."""
    patient = UUID(bytes=sha256(f"patient/{n}".encode()).digest()[:16], version=4)
    if n % 3:
        return [f"{patient},,,,,0"]
    return [
        f"{patient},{_draw(600, 'x', n, k)}.0,{_draw(500, 'y', n, k)}.0,"
        f"{80 + _draw(300, 'width', n, k)}.0,{80 + _draw(400, 'height', n, k)}.0,1"
        for k in range(1 + _draw(3, "boxes", n))
    ]


# ---- archives without a time of making


def _tgz(members: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in members.items():
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def _zip(members: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()

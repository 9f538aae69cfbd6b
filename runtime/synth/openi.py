"""OpenI: `NLMCXR_reports.tgz` with `ecgen-radiology/<n>.xml`, as section 17 of the catalogue of sources has it."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from cxrspec.runtime.synth.casts import openi
from cxrspec.runtime.synth.shared.dealing import shuffled
from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.texts import REPORTS, Texts
from cxrspec.runtime.synth.shared.world import World

_TEXTS = Texts(
    REPORTS
    | {
        "findings": "(<heart> <lungs>|<lungs> <heart> <pleura>|<heart> <lungs> <pleura> <bones>)",
        "impression": r"[1. ]<verdict>[ Follow-up in (two|six) weeks.]",
        "indication": "(34|47|58|71)-year-old (male|female) with <reason>.",
        "comparison": "(None|Chest, PA & lateral, last year).",
        "masked_findings": "<findings>[ A XXXX line ends in the superior vena cava.]",
        "masked_impression": "<impression>[ Compared with XXXX, there is (no|little) change.]",
        "masked_indication": "XXXX-year-old (male|female) with <reason>, XXXX.",
        "masked_comparison": "(XXXX|Chest radiograph, XXXX).",
    }
)


def make(folder: Folder, world: World) -> None:
    """Write the archive: 3,955 reports at scale 1, 3,411 of them with the token XXXX."""
    draws = world.draws("openi")
    masks = shuffled(draws, ("masked_", ""), (3411, 544), len(openi.cast(world)))
    folder.tgz("NLMCXR_reports.tgz", _members(world, masks))


def _members(world: World, masks: list[str]) -> Iterator[tuple[str, str]]:
    draws = world.draws("openi", "texts")
    for report, mask in zip(openi.cast(world), masks, strict=True):
        texts = {
            name: _TEXTS.draw(mask + name, draws, 1)[0]
            for name in ("comparison", "indication", "findings", "impression")
        }
        if not report.findings:
            texts["findings"] = ""
        if not report.impression:
            texts["impression"] = ""
        yield f"ecgen-radiology/{report.number}.xml", _document(report, texts)


def _document(report: openi.Report, texts: dict[str, str]) -> str:
    """A report: always four sections, an empty one without text."""
    sections = "".join(
        f'\n            <AbstractText Label="{name.upper()}"' + (f">{escape(text)}</AbstractText>" if text else "/>")
        for name, text in texts.items()
    )
    images = "".join(_image(name, place) for place, name in enumerate(report.images))
    return f"""<?xml version="1.0" encoding="utf-8"?>
<eCitation>
   <meta type="rr"/>
   <uId id="CXR{report.number}"/>
   <pmcId id="{report.number}"/>
   <docSource>CXR</docSource>
   <IUXRId id="{report.number}"/>
   <licenseType>made up</licenseType>
   <title>Made-up chest X-ray report</title>
   <MedlineCitation Owner="cxrspec" Status="made up">
      <Article PubModel="Electronic">
         <Abstract>{sections}
         </Abstract>
      </Article>
   </MedlineCitation>
   <MeSH>
      <major>normal</major>
      <automatic>normal</automatic>
   </MeSH>{images}
</eCitation>
"""


def _image(name: str, place: int) -> str:
    return f"""
   <parentImage id="{name}">
      <figureId>F{place + 1}</figureId>
      <caption>Chest radiograph.</caption>
      <panel type="single">
         <url>/made/up/{name}.jpg</url>
         <imgModality>7</imgModality>
         <region>unknown</region>
      </panel>
   </parentImage>"""

"""The reports of the MIMIC family (sources.md, sections 4 and 41), in accord with the labels of its studies.

How many reports have findings and impression is cited (section 4); every other share is a plain choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from cxrspec.runtime.synth.casts import mimic
from cxrspec.runtime.synth.shared.texts import Texts
from cxrspec.runtime.synth.shared.world import World

_TEXTS = Texts({
    # What a reader may see, in the words of a FINDINGS section (seen, unsure, absent) and of an IMPRESSION (told,
    # asked). None of these speaks of another study: that is left to `change` and `prior`.
    "atelectasis_seen": """
        (There is|There are signs of) (mild|moderate|linear|streaky) atelectasis (at the <side> base|at both bases).
        (Linear|Streaky|Band-like) opacities at the <side> base (are compatible with|reflect) atelectasis.
    """,
    "atelectasis_unsure": """
        (Streaky|Faint) density at the <side> base may (be|represent) atelectasis.
    """,
    "atelectasis_absent": "There is no (focal|lobar) atelectasis.",
    "atelectasis_told": "(Mild|Moderate|Linear) (<side> basal|bibasal) atelectasis.",
    "atelectasis_asked": "(Possible|Questionable) atelectasis at the <side> base.",
    "cardiomegaly_seen": "(The heart|The cardiac silhouette|Heart size) is (mildly|moderately|markedly) enlarged.",
    "cardiomegaly_unsure": "(The heart|Heart size) is at the upper limit of normal[ for this projection].",
    "cardiomegaly_absent": "(The heart is normal in size|Heart size is normal|The cardiac silhouette is normal).",
    "cardiomegaly_told": "(Mild|Moderate|Marked) cardiomegaly[ without failure].",
    "cardiomegaly_asked": "Borderline heart size.",
    "consolidation_seen": """
        (A|There is a) (dense|focal|patchy) consolidation in the <zone>.
    """,
    "consolidation_unsure": "A (subtle|small) consolidation in the <zone> (cannot be excluded|is possible).",
    "consolidation_absent": "(No consolidation is seen|There is no focal consolidation).",
    "consolidation_told": "(Focal|Dense|Patchy) consolidation in the <zone>.",
    "consolidation_asked": "Possible consolidation in the <zone>.",
    "edema_seen": """
        (Vascular engorgement|Perihilar haze) and (septal lines|cuffing) (indicate|are signs of) pulmonary edema.
        There is (mild|moderate|severe) (interstitial|pulmonary) edema.
    """,
    "edema_unsure": "(Mild|Slight) vascular prominence may (reflect|be) (early|mild) edema.",
    "edema_absent": "(There is no|No) (pulmonary|interstitial|overt) edema.",
    "edema_told": "(Mild|Moderate|Severe) pulmonary edema.",
    "edema_asked": "(Possible|Questionable) mild edema.",
    "mediastinum_seen": "The (upper mediastinum|cardiomediastinal silhouette) is (widened|prominent).",
    "mediastinum_unsure": "The mediastinum appears wide, (perhaps|possibly) due to (rotation|projection).",
    "mediastinum_absent": "(Mediastinal contours are|The mediastinum is) (normal|unremarkable).",
    "mediastinum_told": "(Widened|Prominent) mediastinum.",
    "mediastinum_asked": "(Possible|Questionable) mediastinal widening.",
    "fracture_seen": "(There is|Note is made of) a (healed|displaced) fracture of the <side> (fifth|sixth|seventh) rib.",
    "fracture_unsure": "A fracture of a <side> rib is (possible|hard to exclude).",
    "fracture_absent": "(No rib fracture is seen|The bones are intact|There is no displaced fracture).",
    "fracture_told": "(Healed|Displaced) fracture of a <side> rib.",
    "fracture_asked": "Possible fracture of a <side> rib.",
    "lesion_seen": "A (round|spiculated|calcified) (nodule|mass) of (6|9|14|22|31) mm (lies|is seen) in the <zone>.",
    "lesion_unsure": "A (faint|round) density in the <zone> may be a nodule[ or a nipple shadow].",
    "lesion_absent": "(No nodule or mass is seen|There is no pulmonary nodule).",
    "lesion_told": "(Nodule|Mass) in the <zone>; CT (is advised|may be helpful).",
    "lesion_asked": "Possible nodule in the <zone>.",
    "opacity_seen": """
        (There is|One sees) a (patchy|hazy|faint|confluent) opacity in the <zone>.
        (Patchy|Hazy|Diffuse) opacities are (seen|present) in (both lungs|the <zone>).
    """,
    "opacity_unsure": "A (subtle|faint) opacity in the <zone> is (possible|hard to exclude).",
    "opacity_absent": "(There is no focal opacity|No opacity is seen)[ in either lung].",
    "opacity_told": "(Patchy|Hazy|Confluent) opacity in the <zone>.",
    "opacity_asked": "Questionable opacity in the <zone>.",
    "effusion_seen": """
        There is a (small|moderate|large) (<side> pleural effusion|pleural effusion on the <side>).
        (Small|Moderate|Large) bilateral pleural effusions are (seen|present).
    """,
    "effusion_unsure": "(Blunting of|A meniscus at) the <side> costophrenic angle may be a trace effusion.",
    "effusion_absent": "(There is no pleural effusion|No pleural effusion[ is seen]).",
    "effusion_told": "(Small|Moderate|Large) (<side>|bilateral) pleural effusion.",
    "effusion_asked": "Possible trace <side> effusion.",
    "pleura_seen": "There is (apical|<side> basal) pleural (thickening|scarring|calcification).",
    "pleura_unsure": "(Apical|Basal) pleural thickening is possible on the <side>.",
    "pleura_absent": "There is no pleural thickening.",
    "pleura_told": "(Apical|Basal) pleural (thickening|scarring).",
    "pleura_asked": "Possible pleural thickening on the <side>.",
    "pneumonia_seen": """
        (Findings|The opacities|Air bronchograms) in the <zone> (are compatible with|suggest|indicate) pneumonia.
    """,
    "pneumonia_unsure": """
        (An early|A developing) pneumonia in the <zone> (is possible|cannot be excluded).
    """,
    "pneumonia_absent": "(There is no|No) (sign|evidence) of pneumonia.",
    "pneumonia_told": "(<side_first> basal|Lobar|Multifocal) pneumonia.",
    "pneumonia_asked": "(Possible|Early) pneumonia in the <zone>; clinical correlation is advised.",
    "pneumothorax_seen": "There is a (tiny|small|moderate|large) (<side> pneumothorax|pneumothorax at the <side> apex).",
    "pneumothorax_unsure": "A (tiny|small) pneumothorax at the <side> apex (cannot be excluded|is possible).",
    "pneumothorax_absent": "(There is no pneumothorax|No pneumothorax[ is seen]).",
    "pneumothorax_told": "(Tiny|Small|Moderate|Large) <side> pneumothorax.",
    "pneumothorax_asked": "Possible (tiny|small) <side> pneumothorax.",
    "devices_seen": """
        (The endotracheal tube|A <side> central line|The enteric tube|A pacemaker with <side> leads) is in (place|situ).
        (Sternal wires|Surgical clips|ECG leads) (project over the chest|are noted).
    """,
    "devices_unsure": "(A tube|A line) tip projects over the (carina|mediastinum), its course is hard to follow.",
    "devices_absent": "No lines or tubes are seen.",
    "devices_told": "(Lines and tubes|Support devices) in (good|standard) position.",
    "devices_asked": "Tip position of the (tube|line) is uncertain.",
    # A report about nothing in particular, and one without a finding.
    "plain": "(The (chest|thorax) is shown in (one view|two views)|Imaging quality is (good|limited by rotation)).",
    "clear": "(The lungs|Both lungs) are (clear|well expanded and clear|well inflated).",
    "clear_told": "(No|There is no) (acute|active) (cardiopulmonary|intrathoracic) (process|abnormality|disease).",
    # Change since an earlier study: every sentence has a word of change; those of `prior` also name that study.
    "change": """
        (The appearance|Aeration|The left base|The right base) has (improved|worsened|not changed).
        (Lines and tubes|Heart size|The mediastinum) (remain|remains) (as before|in place).
        (A new|An increased) (density|opacity|haze) is (seen|present) at the <side> base.
        The (effusion|opacity|edema) is (unchanged|stable|persistent|again seen) and (similar|decreased) in extent.
        (A tube|A line) on the <side> is (new|seen again).
    """,
    "prior": """
        (Compared with|As against) the (prior|previous|earlier) (study|radiograph), there is (little|no) change.
        The <side> (chest tube|central line) has been removed[ in the interval].
        (Redemonstrated is|There is redemonstrated) (scarring|a density) at the <side> base[, as on the prior study].
        There is no recurrence of the <side> (effusion|pneumothorax).
    """,
    # The other sections. `___` is a redaction.
    "examination": r"(CHEST \(PA AND LAT\)|CHEST \(PORTABLE AP\)|Chest radiograph)",
    "indication": """
        ___ year old (man|woman) with (cough|fever|chest pain|dyspnea|a fall|sepsis), (evaluate|assess) for <question>.
        ___(F|M) with (cough|fever|hypoxia|chest pain)  // (pneumonia|effusion|pneumothorax)?
        (Cough|Fever|Chest pain|Line placement|Shortness of breath).
    """,
    "question": "(pneumonia|edema|effusion|pneumothorax|infiltrate|line position)",
    "technique": "(PA and lateral views|A portable AP view|Frontal and lateral views) of the chest.",
    "comparison": """
        None.
        (Chest radiograph|Chest radiographs|CT of the chest) (of|from|dated) ___.
        ___.
    """,
    "called": """
        (Findings|Results) were (told to|discussed with) Dr. ___ (by telephone|in person) at (8|9|10|11):(05|20|47) <noon>
    """,
    "noon": "(a.m.|p.m.)",
    "wet_read": "(No pneumothorax|No acute process|Tube in place|Possible pneumonia). ___ ___ (1|4|9):(03|12|58) (AM|PM)",
    "advice": "(Follow-up in (four|six|eight) weeks|Chest CT|Clinical correlation) is (advised|suggested).",
    "side": "(right|left)",
    "side_first": "(Right|Left)",
    "zone": "(right|left) (upper|lower) (lobe|zone)",
})  # fmt: skip

RULES: Final = {  # of a label, in the order of a report; No Finding has none
    "Support Devices": "devices",
    "Cardiomegaly": "cardiomegaly",
    "Enlarged Cardiomediastinum": "mediastinum",
    "Edema": "edema",
    "Lung Opacity": "opacity",
    "Consolidation": "consolidation",
    "Pneumonia": "pneumonia",
    "Atelectasis": "atelectasis",
    "Lung Lesion": "lesion",
    "Pleural Effusion": "effusion",
    "Pleural Other": "pleura",
    "Pneumothorax": "pneumothorax",
    "Fracture": "fracture",
}
FORMS = {
    "both": 128_032 / 227_835,  # section 4: reports with findings and impression
    "no_findings": 0.27,
    "no_impression": 0.11,
    "no_headings": 1 - 128_032 / 227_835 - 0.27 - 0.11,
}
"""The sections of a report."""


@dataclass(frozen=True, slots=True)
class MimicReports:
    """What the reports say.

    sentences: study_id, label, mention (1, 0, -1), and what speaks of a label: text (a sentence of the findings) and told
        (one of the impression, or null).
    reports: study_id, findings, impression (null where no such heading is), report; in the order of the studies.
    """

    sentences: pl.DataFrame
    reports: pl.DataFrame


@lru_cache(maxsize=1)
def cast(world: World) -> MimicReports:
    """Make the reports."""
    pools = Pools(_TEXTS, world.draws("mimic", "reports"))
    sentences = _sentences(world, pools)
    return MimicReports(sentences.drop("place"), _reports(world, pools, sentences))


class Pools:
    """Texts of rules, drawn once; columns are drawn from them."""

    def __init__(self, texts: Texts, draws: np.random.Generator) -> None:
        self.texts = texts
        self.draws = draws
        self._pools: dict[str, pl.Series] = {}

    def column(self, rule: str, count: int) -> pl.Series:
        """So many texts of a rule."""
        if rule not in self._pools:
            self._pools[rule] = pl.Series(self.texts.draw(rule, self.draws, 300)).unique(maintain_order=True)
        pool = self._pools[rule]
        return pool.gather(self.draws.integers(len(pool), size=count))


def _sentences(world: World, pools: Pools) -> pl.DataFrame:
    """A row for every label that is mentioned: what findings and impression say of it (null: the latter says nothing)."""
    labels = mimic.cast(world).labels
    parts: list[pl.DataFrame] = []
    for place, (label, rule) in enumerate(RULES.items()):
        for mention, said, concluded in ((1, "seen", "told"), (0, "absent", None), (-1, "unsure", "asked")):
            rows = labels.filter(pl.col(label) == mention).select("study_id")
            told = pools.column(f"{rule}_{concluded}", len(rows)) if concluded else pl.lit(None, pl.String)
            parts.append(
                rows.with_columns(
                    label=pl.lit(label),
                    mention=pl.lit(mention, pl.Int8),
                    place=pl.lit(place, pl.Int8),
                    text=pools.column(f"{rule}_{said}", len(rows)),
                    told=told,
                )
            )
    return pl.concat(parts).sort("study_id", "place")


def _reports(world: World, pools: Pools, sentences: pl.DataFrame) -> pl.DataFrame:
    draws, count = pools.draws, len(mimic.cast(world).studies)

    def chance(share: float) -> pl.Expr:
        return pl.lit(pl.Series(draws.random(count) < share))

    def some(rule: str, wanted: pl.Expr) -> pl.Expr:
        return pl.when(wanted).then(pl.lit(pools.column(rule, count)))

    def planted(*names: str) -> pl.Expr:
        return pl.col("planted").is_in(names).fill_null(False)

    ordinary = pl.col("planted").is_null()
    later = ordinary & (pl.col("visit") > 0)
    form = pl.lit(pl.Series(draws.choice(list(FORMS), size=count, p=list(FORMS.values()))))
    findings = _joined(
        some("plain", chance(0.2) | pl.col("text").is_null()),
        pl.col("text"),
        some("clear", pl.col("normal").fill_null(False)),
        some("change", later & chance(0.5) | ordinary & chance(0.15) | planted("same_day")),
        some("prior", later & chance(0.2) | ordinary & chance(0.05)),
    )
    impression = _joined(
        pl.col("told"),
        some("clear_told", pl.col("told").is_null()),
        some("change", later & chance(0.3) | ordinary & chance(0.15) | planted("same_day")),
        some("called", ordinary & chance(0.08) | planted("called")),
    )
    return (
        _said(world, sentences)
        .with_columns(
            form=pl.when(planted("no_findings", "no_headings"))
            .then("planted")
            .when(ordinary)
            .then(form)
            .otherwise(pl.lit("both")),
            findings=pl.coalesce(some("prior", planted("prior_only")), findings),
            impression=pl.coalesce(some("prior", planted("prior_only")), impression),
            examination=some("examination", chance(0.8)),
            indication=some("indication", chance(0.6) | planted("early", "same_day")),
            technique=some("technique", chance(0.5)),
            comparison=some("comparison", chance(0.7)),
            wet_read=some("wet_read", ordinary & chance(0.03) | planted("wet_read")),
            advice=some("advice", ordinary & chance(0.05)),
            renamed=ordinary & chance(0.1),
        )
        .with_columns(history=some("indication", pl.col("indication").is_null() & chance(0.5)))
        .pipe(_lay_out)
        .select("study_id", "findings", "impression", "report")
    )


def _said(world: World, sentences: pl.DataFrame) -> pl.DataFrame:
    """The studies, what their labels say in findings (text) and impression (told), and whether they are normal."""
    said = sentences.group_by("study_id").agg(pl.col("text", "told").drop_nulls().str.join(" ").replace("", None))
    normal = mimic.cast(world).labels.select("study_id", normal=pl.col("No Finding") == 1)
    return (
        mimic.cast(world)
        .studies.select("study_id", "visit", "planted")
        .join(said, on="study_id", how="left", maintain_order="left")
        .join(normal, on="study_id", how="left", maintain_order="left")
    )


def _lay_out(frame: pl.DataFrame) -> pl.DataFrame:
    """The reports' texts, and the sections that stand in them under their headings."""
    headed, renamed = pl.col("form") != "no_headings", pl.col("renamed")
    found = headed & (pl.col("form") != "no_findings")
    concluded = headed & (pl.col("form") != "no_impression")
    before = [
        _section("WET READ", pl.col("wet_read")),
        _section("IMPRESSION", pl.when(pl.col("wet_read").is_not_null()).then(pl.lit("As in the wet read."))),
    ]
    sections = [
        pl.when(headed).then(_section(name, text))
        for name, text in {
            "EXAMINATION": pl.col("examination"),
            "INDICATION": pl.col("indication"),
            "HISTORY": pl.when(~renamed).then("history"),
            "REASON FOR EXAM": pl.when(renamed).then("history"),
            "TECHNIQUE": pl.col("technique"),
            "COMPARISON": pl.col("comparison"),
            "FINDINGS": pl.when(found).then("findings"),
            "IMPRESSION": pl.when(concluded & ~renamed).then("impression"),
            "CONCLUSION": pl.when(concluded & renamed).then("impression"),
            "RECOMMENDATION(S)": pl.col("advice"),
        }.items()
    ]
    paragraphs = [pl.when(~headed).then(_wrapped(pl.col(name))) for name in ("findings", "impression")]
    return frame.with_columns(
        findings=pl.when(found).then("findings"),
        impression=pl.when(concluded).then("impression"),
        report=pl.concat_str(
            *before, pl.lit(f"{'FINAL REPORT':>45}\n"), *sections, *paragraphs, separator=" \n", ignore_nulls=True
        ),
    )


def _joined(*texts: pl.Expr) -> pl.Expr:
    return pl.concat_str(*texts, separator=" ", ignore_nulls=True)


def _section(name: str, text: pl.Expr) -> pl.Expr:
    return _wrapped(pl.format(f"{name}:  {{}}", text))


def _wrapped(text: pl.Expr) -> pl.Expr:
    """The text in lines of up to 75 characters, indented by one."""
    return text.str.replace_all(r"(.{1,74})(?: |$)", " ${1}\n")

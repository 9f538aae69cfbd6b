"""VinDr-PCXR 1.0.0: children; everything in the root folder, one reader an image.

7,728 images of train and 1,397 of test; how often each of the 15 global labels is given in either is published, and
some images have two diseases; 36 local classes, of which the sources name 14. Two diseases and one class are misspelt
in the files, and the reader's column is `rad_ID`. (Section 14 of the sources.)

Our choice: the names of the other classes; nine readers; one ill image of five has no box; rows come in no order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from cxrspec.runtime.synth.shared.folder import Folder
from cxrspec.runtime.synth.shared.regions import Regions, annotate, draw_images, write_images
from cxrspec.runtime.synth.shared.world import World

LOCAL = (
    "Boot-shaped heart",
    "Peribronchovascular interstitial opacity",
    "Reticulonodular opacity",
    "Bronchial thickening",
    "Enlarged PA",
    "Cardiomegaly",
    "Diffuse aveolar opacity",
    "Other opacity",
    "Other lesion",
    "Consolidation",
    "Mediastinal shift",
    "Anterior mediastinal mass",
    "Dextro cardia",
    "Lung hyperinflation",
    "Air bronchogram",
    "Aortic knob prominence",
    "Atelectasis",
    "Bowel in the chest",
    "Bronchiectasis",
    "Calcification",
    "Clavicle fracture",
    "Collapsed lobe",
    "Edema",
    "Emphysema",
    "Hilar enlargement",
    "Infiltration",
    "Lung cavity",
    "Lung cyst",
    "Nodule/Mass",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumomediastinum",
    "Pneumothorax",
    "Rib fracture",
    "Stomach on the right side",
    "Thymic sail",
)
COUNTS = {
    "No finding": (5_143, 907),
    "Bronchitis": (842, 174),
    "Brocho-pneumonia": (545, 84),
    "Other disease": (412, 77),
    "Bronchiolitis": (497, 90),
    "Situs inversus": (11, 2),
    "Pneumonia": (392, 89),
    "Pleuro-pneumonia": (6, 0),
    "Diagphramatic hernia": (3, 0),
    "Tuberculosis": (14, 1),
    "Congenital emphysema": (2, 0),
    "CPAM": (5, 1),
    "Hyaline membrane disease": (19, 3),
    "Mediastinal tumor": (8, 1),
    "Lung tumor": (5, 0),
}
IMAGES = (7_728, 1_397)
PEOPLE = 9


def make(folder: Folder, world: World) -> None:
    """Write four CSV files and `train/*.dicom`, `test/*.dicom`."""
    for place, part in enumerate(("train", "test")):
        draws = world.draws("vindr_pcxr", part)
        diseases = _diseases(draws, world, place)
        images = draw_images(draws, len(diseases))
        ill = int(diseases[:, 0].argmax())  # the first image without a finding
        regions = Regions.draw(draws, ill * 4 // 5, len(LOCAL))
        annotations = annotate(regions.read(draws, 1), images, LOCAL, 1)
        by = pl.Series("rad_ID", draws.integers(1, PEOPLE + 1, len(diseases))).cast(pl.String)
        named = images.select("image_id", ("R" + by).alias("rad_ID"))
        labels = named.with_columns(pl.Series(name, diseases[:, at]) for at, name in enumerate(COUNTS))
        boxes = annotations.join(named, on="image_id", maintain_order="left").select(
            "image_id", "rad_ID", "class_name", "x_min", "y_min", "x_max", "y_max"
        )
        for name, rows in (("annotations", boxes), ("image_labels", labels)):
            folder.csv(f"{name}_{part}.csv", rows[draws.permutation(rows.height)])
        write_images(folder, part, images)


def _diseases(draws: np.random.Generator, world: World, place: int) -> npt.NDArray[np.int8]:
    """A row of 0 and 1 an image, in the order of `COUNTS`: the ill ones first, then those without a finding.

    The published counts add up to more than there are images: so many images have two diseases.
    """
    published = [counts[place] for counts in COUNTS.values()]
    healthy, *given = (world.count(count, min(count, 12)) for count in published)
    labels = draws.permutation(np.repeat(np.arange(1, len(published)), given))
    ill = round(len(labels) * (IMAGES[place] - published[0]) / (sum(published) - published[0]))
    rows = np.zeros((ill + healthy, len(published)), np.int8)
    rows[np.arange(ill), labels[:ill]] = 1
    rows[ill:, 0] = 1
    free = 0
    for label in labels[ill:]:
        while rows[free, label]:
            free += 1
        rows[free, label] = 1
        free += 1
    return rows

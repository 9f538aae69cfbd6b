"""The data root of `cxrspec run --demo`: every source made up at a small scale, kept in the user's cache."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from cxrspec.runtime import synth
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.settings import Settings

SCALE = 0.0005
SEED = 1


def demo_root() -> Path:
    """The data root; it is made when it is not there, or when what makes it has changed.

    Raises:
        OutputError: CXR803, the cache cannot be written.
    """
    from platformdirs import user_cache_path

    root = user_cache_path("cxrspec") / f"demo-{_version()}"
    try:
        if not root.is_dir():
            root.parent.mkdir(parents=True, exist_ok=True)
            _make_beside(root)
    except OSError as error:
        reason = f"the demo data cannot be written: {type(error).__name__}"
        raise OutputError("CXR803", reason, f"the cache is {root.parent}; XDG_CACHE_HOME moves it") from error
    return root


def of_demo(settings: Settings) -> Settings:
    """The settings of a command about the output of a demo, whose data is where no setting says.

    Raises:
        OutputError: as `demo_root`.
    """
    return replace(settings, data=demo_root(), sources={}, images={})


def _version() -> str:
    """A digest of this file and of all that makes data."""
    folder = Path(synth.__file__).parent
    digest = sha256(Path(__file__).read_bytes())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _make_beside(root: Path) -> None:
    """Make the root under another name, then give it its own: what is there is always whole."""
    with tempfile.TemporaryDirectory(prefix=f".{root.name}.", dir=root.parent) as folder:
        made = Path(folder) / root.name
        synth.synth(made, SCALE, SEED)
        try:
            made.rename(root)
        except OSError:
            if not root.is_dir():  # else another process was faster, with the same bytes
                raise

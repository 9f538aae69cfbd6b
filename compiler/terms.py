"""Data-use terms: ordered words, joined over every source that a plan reads; an output is never freer than its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# From the strictest word to the freest; a term that is not given counts as the strictest.
TERMS: Mapping[str, Sequence[str]] = {
    "access": ("credentialed", "registration", "open"),
    "redistribute": ("no", "no derivatives", "same terms", "yes"),
    "external_services": ("no", "yes"),
    "commercial": ("no", "yes"),
}


def joined(uses: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The strictest word of each term.

    >>> joined([{"access": "open", "commercial": "yes"}, {"access": "registration"}])["access"]
    'registration'
    """
    given = list(uses)
    return {term: min((use.get(term, words[0]) for use in given), key=words.index) for term, words in TERMS.items()}

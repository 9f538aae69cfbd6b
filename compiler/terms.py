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


def freer(term: str, word: str, other: str) -> bool:
    """Whether a term's `word` allows more than `other`.

    >>> freer("redistribute", "yes", "no derivatives")
    True
    """
    return TERMS[term].index(word) > TERMS[term].index(other)


def given(terms: Mapping[str, str], term: str) -> str:
    """The word of a term; the strictest, if none is given."""
    return terms.get(term, TERMS[term][0])


def joined(uses: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The strictest word of each term.

    >>> joined([{"access": "open", "commercial": "yes"}, {"access": "registration"}])["access"]
    'registration'
    """
    all = list(uses)
    return {term: min((given(use, term) for use in all), key=words.index) for term, words in TERMS.items()}

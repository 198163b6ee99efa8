"""The text front end of the starter bundle, in Python: the reference for `src/core/text`.

1. Every rule here can be implemented exactly in JavaScript; nothing relies on Python's regular expressions.
2. Character classes are Unicode general categories: a word character is a letter (L*), mark (M*) or number (N*).
3. The rules and their order are docs/specs/text-head.md; the TypeScript side is tested against fixtures made here.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

from sklearn.utils import murmurhash3_32

MARK_RUN_LIMIT = 30  # UAX #15 stream-safe text: at most 30 marks in a row, which keeps NFKC linear
ZERO_WIDTH_JOINER = 0x200D
EMOJI_NAMES = "node_modules/unicode-emoji-json/data-by-emoji.json"


def is_ignorable(code: int) -> bool:
    """Variation selectors, joiner, skin tones: they change how an emoji looks, not what it says."""
    return 0xFE00 <= code <= 0xFE0F or code == ZERO_WIDTH_JOINER or 0x1F3FB <= code <= 0x1F3FF


def load_emoji(path: Path) -> dict:
    """Trie over code points, ignorable ones left out; the leaf key None holds the CLDR short name."""
    root: dict = {}
    for emoji, entry in json.loads(path.read_text(encoding="utf-8")).items():
        node = root
        for code in (ord(c) for c in emoji):
            if not is_ignorable(code):
                node = node.setdefault(code, {})
        node.setdefault(None, entry["name"])
    return root


def spell_emoji(text: str, trie: dict) -> str:
    """Longest match first; ' name ' for each emoji, lone surrogates replaced, long runs of marks cut."""
    codes = [0xFFFD if 0xD800 <= ord(c) <= 0xDFFF else ord(c) for c in text]
    codes = [c for c in codes if not is_ignorable(c)]
    out: list[str] = []
    at = marks = 0
    while at < len(codes):
        node, end, name = trie.get(codes[at]), at, None
        step = at + 1
        while node is not None:
            if None in node:
                end, name = step, node[None]
            node = node.get(codes[step]) if step < len(codes) else None
            step += 1
        if name is not None:
            out.append(f" {name} ")
            at, marks = end, 0
            continue
        char = chr(codes[at])
        marks = marks + 1 if unicodedata.category(char)[0] == "M" else 0
        if marks <= MARK_RUN_LIMIT:
            out.append(char)
        at += 1
    return "".join(out)


def normalise(text: str, trie: dict) -> str:
    """The production normaliser: what travels with an upload and what every later bundle may read."""
    return unicodedata.normalize("NFKC", spell_emoji(text, trie)).replace("#", " ")


def fold(normal: str) -> str:
    """The head's own step after the normaliser: full Unicode lower case (final sigma included), no locale."""
    return normal.lower()


def words(folded: str) -> list[str]:
    """Maximal runs of word characters."""
    out: list[str] = []
    start = -1
    for i, char in enumerate(folded):
        if unicodedata.category(char)[0] in "LMN":
            start = i if start < 0 else start
        elif start >= 0:
            out.append(folded[start:i])
            start = -1
    if start >= 0:
        out.append(folded[start:])
    return out


def word_ngrams(tokens: list[str], low: int, high: int) -> list[str]:
    return [" ".join(tokens[i : i + n]) for n in range(low, high + 1) for i in range(len(tokens) - n + 1)]


def char_ngrams(tokens: list[str], low: int, high: int) -> list[str]:
    """Code-point n-grams of each word with one space on both sides; a shorter padded word gives none of that n."""
    out: list[str] = []
    for token in tokens:
        padded = f" {token} "
        for n in range(low, high + 1):
            out.extend(padded[i : i + n] for i in range(len(padded) - n + 1))
    return out


def bucket(gram: str, seed: int, buckets: int) -> int:
    """MurmurHash3 x86 32 of the UTF-8 bytes, unsigned, modulo a power of two."""
    return murmurhash3_32(gram.encode("utf-8"), seed=seed, positive=True) & (buckets - 1)

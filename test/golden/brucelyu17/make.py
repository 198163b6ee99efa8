"""Golden ids of the WordPiece tokenizer, made by the Rust `tokenizers` library through Python.

    python test/golden/brucelyu17/make.py        (packages: models/brucelyu17/export/requirements.txt)

Writes word-piece.json beside itself. A text is a list of [piece, times], so that a long one stays short here. Special tokens in a text
are text (`encode_special_tokens`), as they are in production.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from tokenizers import Tokenizer, __version__

HERE = Path(__file__).parent
TOKENIZER = Path(__file__).parents[3] / "models" / "brucelyu17" / "1.0.0" / "tokenizer.json"
MAX_TOKENS, SEED, RANDOM_TEXTS = 256, 5, 60

ODD = [
    "", "   ", "hello world", "Loudly Crying Face 😭😭", "مرحبا بالعالم كيف الحال", "你好世界 こんにちは カタカナ 한국어",
    "café Naïve ÀÉÎ Ǆ", "ﬁ ﬂ ½ ²", "don't stop!! #fyp @user http://x.y/z?a=1&b=2", "[SEP] [PAD] [CLS] x[MASK]y",
    "\u0000\u0007a\u200bb\u200dc\ufeffd", "tab\tnew\nline\r\nx\u00a0y\u3000z\u2028w\u0085v\u000bu", "İstanbul ıI ß ẞ ΟΔΥΣΣΕΥΣ",
    "e\u0301e\u0300\u0323 नमस्ते दुनिया ไทย ทดสอบ", "👩‍👩‍👧‍👦 🇩🇪 ✨❤️ 1️⃣", "“quotes” — dash… ‹x› «y» $5 €6 £7 ^ ` ~ | +=<>",
    "\ud7ff \ue000 \ufffd \uffff", "𠀀𪛖 㐀 豈 𝓱𝓮𝓵𝓵𝓸", "，。！？、（）", "a-b_c/d\\e", "12,345.67 1st", "\u202eabc\u202c \u00adsoft", "Ωmega ﷺ", "͏a‌b",
    "unaffable electroencephalographically xqzjv",
]  # fmt: skip
LONG = [
    [["a", 101], [" b", 1], ["a", 99]], [["😀", 300]], [["x ", 400]], [["word", 3_000]], [["the quick brown fox ", 5_000]],
    [["é", 50_000]], [["!", 100_000]], [["字", 33_000]], [["\u0301", 50_000]], [["a", 99], ["𝄞", 1], [" ", 1], ["b", 50]],
]  # fmt: skip
# Blocks that both sides' Unicode tables agree on.
BLOCKS = [(32, 127), (0xA0, 0x250), (0x391, 0x3CF), (0x410, 0x450), (0x5D0, 0x5EB), (0x621, 0x660), (0x905, 0x93A), (0xE01, 0xE3B),
          (0x2010, 0x2070), (0x3041, 0x3097), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0x1F600, 0x1F640), (0x300, 0x340), (0, 32)]  # fmt: skip


def random_texts() -> list[str]:
    source = random.Random(SEED)
    texts = []
    for _ in range(RANDOM_TEXTS):
        words = ("".join(chr(source.randrange(*source.choice(BLOCKS))) for _ in range(source.randint(1, 9))) for _ in range(source.randint(1, 9)))
        texts.append(" ".join(words))
    return texts


def main() -> None:
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.encode_special_tokens = True
    texts = [[[text, 1]] for text in ODD] + LONG + [[[text, 1]] for text in random_texts()]
    cases = [{"text": t, "ids": tokenizer.encode("".join(piece * times for piece, times in t)).ids} for t in texts]
    out = {"madeWith": {"tokenizers": __version__, "seed": SEED}, "maxTokens": MAX_TOKENS, "cases": cases}
    (HERE / "word-piece.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

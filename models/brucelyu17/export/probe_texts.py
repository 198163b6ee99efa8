"""Texts that front ends get wrong, for parity checks and golden vectors."""

from __future__ import annotations

PROBE_TEXTS = (
    "",
    "a cat plays the piano",
    "Loudly crying face  fyp  viral wait for the end!!",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u4f60\u597d\u4e16\u754c \u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4",
    "caf\u00e9 Na\u00efve \u00c0\u00c9\u00ce \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 \u0130stanbul stra\u00dfe",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 1\ufe0f\u20e3",
    "don't @user http://x.y/z?a=1&b=2 $5 [SEP] [PAD]",
    "\u0000\u0007a\u200bb \ufffd \ufeff tab\tnew\nline",
    "12,345.67 1st a-b_c/d",
    "x" * 101 + " " + "b" * 100,
    "how to make the perfect pancake in under five minutes, step by step, with a pan and three ingredients " * 5,
    "the quick brown fox jumps over the lazy dog " * 200,
    "!" * 1_000,
    "\u5b57" * 1_000,
)

/** CLDR short names of emoji, as a trie over code points (data: npm unicode-emoji-json, from unicode.org). */
import emojiByText from 'unicode-emoji-json/data-by-emoji.json' with { type: 'json' };

export interface EmojiNode {
  readonly children: Map<number, EmojiNode>;
  name: string | undefined;
}

let root: EmojiNode | undefined;

/** Built once, at first use. Keys leave out what `isIgnorable` says. */
export function emojiTrie(): EmojiNode {
  root ??= buildTrie();
  return root;
}

/** Variation selectors, zero-width joiner, skin tones: they change how an emoji looks, not what it says. */
export function isIgnorable(code: number): boolean {
  return (code >= 0xfe00 && code <= 0xfe0f) || code === 0x200d || (code >= 0x1f3fb && code <= 0x1f3ff);
}

function buildTrie(): EmojiNode {
  const trie: EmojiNode = { children: new Map(), name: undefined };
  for (const [emoji, entry] of Object.entries(emojiByText)) {
    let node = trie;
    for (const char of emoji) {
      const code = char.codePointAt(0) ?? 0;
      if (isIgnorable(code)) continue;
      const next = node.children.get(code) ?? { children: new Map(), name: undefined };
      node.children.set(code, next);
      node = next;
    }
    node.name ??= entry.name;
  }
  return trie;
}

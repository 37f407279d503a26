/** A fenced block of a Markdown document that somebody may copy and run, or compare with what they get. */
export interface Snippet {
  /** The heading above it and the line of its fence, to find it by. */
  readonly name: string;
  readonly language: string;
  readonly text: string;
}

/** All fenced blocks, in order. Throws for a fence that is not closed, or that names no language. */
export function readSnippets(markdown: string): readonly Snippet[] {
  const snippets: Snippet[] = [];
  let heading = '';
  let open: { readonly language: string; readonly line: number; readonly lines: string[] } | null = null;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (open === null) {
      heading = /^#+ (.+)$/.exec(line)?.[1] ?? heading;
      if (fence === null) continue;
      const language = fence[1] ?? '';
      if (language === '') throw new Error(`line ${index + 1}: a block without a language`);
      open = { language, line: index + 1, lines: [] };
    } else if (fence === null) {
      open.lines.push(line);
    } else {
      snippets.push({
        name: `line ${open.line}, ${heading} (${open.language})`,
        language: open.language,
        text: `${open.lines.join('\n')}\n`,
      });
      open = null;
    }
  }
  if (open !== null) throw new Error(`line ${open.line}: a block that is not closed`);
  return snippets;
}

/** Patterns of paths, as .gitignore has them, without backtracking: the time is bounded by the lengths multiplied, whatever the pattern. */

/**
 * The test of one pattern. `*` and `?` stay inside one name, `**` is any number of folders; a pattern that ends in `/` is all below that
 * folder, one without a `/` is a name in any folder. A leading `/` or `./` is the top, as it is without.
 */
export function globOf(pattern: string): (path: string) => boolean {
  const inner = pattern.replace(/^\.?\//, '');
  const anywhere = !pattern.replace(/\/$/, '').includes('/');
  const names = [...(anywhere ? ['**'] : []), ...(inner.endsWith('/') ? `${inner}**/*` : inner).split('/')];
  return path => matches(names, path.split('/'), name => name === '**', nameMatches);
}

function nameMatches(name: string, part: string): boolean {
  if (name === '*') return true;
  if (!/[*?]/.test(name)) return name === part;
  return matches(
    [...name],
    [...part],
    letter => letter === '*',
    (letter, at) => letter === '?' || letter === at,
  );
}

/** Do the items match the wanted ones, those of which `isAny` stand for any number? A row of a table at a time, as in an edit distance. */
function matches(wanted: string[], items: string[], isAny: (w: string, item: string) => boolean, is: (w: string, item: string) => boolean): boolean {
  let row = [true, ...items.map(() => false)];
  for (const w of wanted) {
    const next = [isAny(w, '') && row[0] === true];
    for (const [i, item] of items.entries()) next.push(isAny(w, item) ? next[i] === true || row[i + 1] === true : row[i] === true && is(w, item));
    row = next;
  }
  return row.at(-1) === true;
}

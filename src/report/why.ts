/** Why a lock or context counts as held at a line, in words. */

import { isContext, sectionText } from '../model/section.ts';
import type { Why, WhyStep } from '../model/why.ts';
import { safe } from './safe.ts';

const HELD: Readonly<Record<Why['held'], string>> = {
  every: 'held on every path',
  some: 'held on some path only',
  callers: 'held at every call of the function',
  none: 'not held',
};

/** The trail of each section at a line of a function, one step a line. */
export function whyText(fn: { path: string; name: string }, line: number, found: readonly Why[]): string {
  const head = `${safe(fn.path)}:${line}: ${safe(fn.name)}()\n`;
  if (found.length === 0) return `${head}  no lock is held, and no context entered\n`;
  return head + found.map(one => `${headOf(one)}\n${one.trail.map(step => `    ${stepText(step, fn)}\n`).join('')}`).join('');
}

function headOf({ section, held }: Why): string {
  return `  ${safe(sectionText(section))}: ${isContext(section) ? HELD[held].replace('held', 'in effect') : HELD[held]}`;
}

function stepText({ kind, path, line, text, doubt }: WhyStep, fn: { path: string }): string {
  const at = path === fn.path ? `line ${line}` : `${safe(path)}:${line}`;
  return `${at}: ${wordsOf(kind, safe(text), doubt)}`;
}

function wordsOf(kind: WhyStep['kind'], text: string, doubt: WhyStep['doubt']): string {
  switch (kind) {
    case 'acquired':
      return `acquired by ${text}`;
    case 'released':
      return `lost: released by ${text}`;
    case 'tested':
      return `the test of ${text} finds it held`;
    case 'kept':
      return `kept over ${text}${doubt === 'not-visible' ? ', which is not visible' : doubt === 'may-release' ? ', which may release it in between' : ''}`;
    case 'unseen':
      return 'lost: lines that are not shown may release it';
    case 'without':
      return 'a path without it comes from here';
    case 'asserted':
      return `asserted by ${text}`;
    case 'annotated':
      return `annotated: ${text}`;
    case 'convention':
      return `by its name the caller of ${text}() holds a lock; which one is not known`;
    case 'comment':
      return 'the comment above the function says that its callers hold it';
    case 'table':
      return `held by the core when it runs ${text}`;
    case 'releases-first':
      return `held by the caller, since ${text} comes before any acquisition`;
    case 'caller':
      return `${text}() calls it with that held`;
    case 'bare-caller':
      return `${text}() calls it without that`;
  }
}

/** What the comment above a function says that its callers hold: "Caller must hold foo->lock", "Called with rtnl_lock() held". */

import { plainType } from '../../c/lower/typeof.ts';
import type { CFunction } from '../../model/code.ts';
import { contextSection, type Section, section } from '../../model/section.ts';

/** A lock as comments write it: `&foo->lock`, `@foo->lock`, `foo_mutex`, `rtnl_lock()`. */
const NAME = String.raw`[@&\x60%*]*((?:struct )?[A-Za-z_]\w*(?:(?:->|\.|::)\w+)*)(?:\(\))?\x60?`;
const ARTICLE = '(?:the |a |an |its |this |both )?';
const KIND = '(?: (?:lock|mutex|spin ?lock|semaphore|rwsem|rw_semaphore|seqlock))?';
const FIRST = [
  String.raw`\bcallers? (?:of \w+\(\) )?(?:must|should|shall|has to|have to|needs? to|is expected to|are expected to|is required to)(?: already| also)? (?:hold|be holding|own|have acquired|have taken) ${ARTICLE}${NAME}`,
  String.raw`\bcallers? (?:already )?(?:holds?|owns?) ${ARTICLE}${NAME}`,
  String.raw`\bcalled (?:only )?with ${ARTICLE}${NAME}${KIND} (?:held|locked|taken|acquired|write-locked|read-locked)`,
  String.raw`\bcalled (?:only )?(?:under|while holding|holding) ${ARTICLE}${NAME}`,
  String.raw`\brequires? ${ARTICLE}${NAME}${KIND} (?:to be )?held`,
  `${NAME}${KIND} (?:must|should|shall|has to|needs to) be (?:held|locked|taken)(?! (?:for|after|when returning|on return))`,
].map(pattern => new RegExp(pattern, 'gi'));
/** Another one after the first: "hold a->lock and b->lock". */
const NEXT = new RegExp(`^(?:,| and| as well as)+ ${ARTICLE}${NAME}`, 'i');

/** Of a context what is switched off, by the words of comments. */
const CONTEXTS: readonly (readonly [RegExp, string])[] = (
  [
    ['(?:local )?(?:interrupts?|irqs?)', 'irqs-off'],
    ['preemption', 'preempt-off'],
    ['(?:local )?(?:bottom halves|bhs?|softirqs?)', 'bh-off'],
  ] as const
).map(([what, context]) => [new RegExp(String.raw`\bcalled with ${what} (?:disabled|off)\b`, 'i'), context]);

/** What sentences do not say of the callers: the contrary, a condition, and what the function does itself. */
function isOtherwise(sentence: string): boolean {
  return /\b(?:not|never|without|unless|either|may|might|optionally|if|when|drops?|releases?|takes and|returns?)\b|n't\b/i.test(sentence);
}

/** Words for a kind of lock, which name none. */
const KINDS: ReadonlySet<string> = new Set(['lock', 'locks', 'spinlock', 'mutex', 'sem', 'semaphore', 'rwsem', 'seqlock']);
const RTNL: ReadonlySet<string> = new Set(['rtnl', 'rtnl_lock', 'rtnl_mutex']);
const RCU: ReadonlySet<string> = new Set(['rcu', 'rcu_read_lock']);

/** The sections that all callers hold by the comment above the function, each named by what the head declares. */
export function saidLocks({ doc, parameters }: Pick<CFunction, 'doc' | 'parameters'>): Section[] {
  if (!doc || !/\b(?:held|hold(?:s|ing)?|owns?|locked|under|disabled|off)\b/i.test(doc.text)) return [];
  const found: Section[] = [];
  for (const sentence of sentencesOf(doc.text)) {
    if (isOtherwise(sentence)) continue;
    for (const [words, context] of CONTEXTS) if (words.test(sentence)) found.push(contextSection(context));
    for (const pattern of FIRST) {
      for (const match of sentence.matchAll(pattern)) {
        let name = match[1];
        let rest = sentence.slice(match.index + match[0].length);
        while (name !== undefined) {
          const one = sectionNamed(name, parameters);
          if (!one) break;
          found.push(one);
          const next: RegExpExecArray | null = NEXT.exec(rest);
          name = next?.[1];
          rest = rest.slice(next?.[0].length ?? 0);
        }
      }
    }
  }
  return found;
}

function sentencesOf(text: string): string[] {
  return text
    .replace(/\s*\n\s*(?=@\w+:|Context:|Return)/g, '. ')
    .replace(/\s+/g, ' ')
    .split(/(?<=[.;!?])\s+(?=[A-Z@(*])|\n\n/)
    .filter(sentence => sentence !== '');
}

/** The section of that name; null where the word names no lock. */
function sectionNamed(name: string, parameters: CFunction['parameters']): Section | null {
  const text = name.replace(/^struct /, '').replace(/::/g, '.');
  const word = text.toLowerCase();
  if (RCU.has(word)) return contextSection('rcu-read');
  if (RTNL.has(word)) return section(null, 'rtnl', 'exclusive', 'comment');
  const path = /^(\w+)(?:->|\.)([\w.]+)$/.exec(text.replace(/->(?=.*->)/g, '.'));
  if (!path) return !KINDS.has(word) && /(?:lock|mutex|sem)$/i.test(text) ? section(null, text, 'exclusive', 'comment') : null;
  const [, root = '', member = ''] = path;
  const type = name.startsWith('struct ') ? `struct ${root}` : parameters.find(p => p.name === root)?.type;
  const tag = type ? plainType(type.replace(/[ *]+$/, '')) : '';
  return section(null, /^(?:struct|union) \w+$|_t$/.test(tag) ? `${tag}.${member}` : member, 'exclusive', 'comment');
}

/** What b4 keeps in the last commit of a review branch. */
export interface Tracking {
  subject: string;
  /** The first commit of the series. */
  first: string;
  /** Whether the maintainer has marked the series' cover letter, and each patch, as one that nobody need review. */
  isCoverSkipped: boolean;
  skipped: boolean[];
}

const MARKER = '--- b4-review-tracking ---';

/** Reads the message of such a commit; null where it is none. Lines that begin with `#` are b4's own comments. */
export function readTracking(message: string): Tracking | null {
  const at = message.indexOf(MARKER);
  if (at < 0) return null;
  const text = message
    .slice(at + MARKER.length)
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .join('\n');
  const tracking = parsed(text);
  const series = member(tracking, 'series');
  const first = member(series, 'first-patch-commit');
  const patches = member(tracking, 'patches');
  if (typeof first !== 'string' || !/^[0-9a-f]{40,64}$/.test(first) || !Array.isArray(patches)) return null;
  const subject = member(series, 'subject');
  return { subject: typeof subject === 'string' ? subject : '', first, isCoverSkipped: isSkipped(series), skipped: patches.map(isSkipped) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

/** Reviews stand by the address of who made them. */
function isSkipped(target: unknown): boolean {
  const reviews = member(target, 'reviews');
  return typeof reviews === 'object' && reviews !== null && Object.values(reviews).some(review => member(review, 'patch-state') === 'skip');
}

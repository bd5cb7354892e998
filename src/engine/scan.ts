/** Reviews one file as it stands: what a patch that adds it would be told, said of code that is there already. */
import { rules as allRules } from '../../rules/index.ts';
import { headersOf, imageOfText } from '../analysis/view.ts';
import { parseCache } from '../analysis/world.ts';
import type { Image } from '../c/text/images.ts';
import type { Finding } from '../model/finding.ts';
import type { Review } from '../model/review.ts';
import type { CodeFile } from '../model/rule.ts';
import type { HunkLine, Message } from '../model/series.ts';
import { judgeOf, rulesFor } from './config.ts';
import { NO_FACTS } from './declared.ts';
import { knowledgeOf } from './knowledge.ts';
import { look, worldWith } from './look.ts';
import type { ReviewOptions } from './review.ts';
import { attribute, settleFindings } from './sift.ts';
import { understood } from './understood.ts';

/**
 * The review of one C file. Findings of one cause are joined where the rule names it, each other one stands by itself; all are pre-existing. With a tree the headers that the file includes by quotes,
 * from its own folder on, are in view, and said nothing of.
 */
export function scan(path: string, text: string, options: ReviewOptions): Review {
  const facts = options.facts ?? NO_FACTS;
  const { known, problems: unknown } = knowledgeOf(facts, options.tables ?? null);
  const rules = options.rules ?? rulesFor(allRules, options.policy, options.holdTrials ?? false);
  const judge = options.policy ? judgeOf(options.policy) : undefined;
  const image = added(imageOfText(path, text));
  const images = [image, ...(options.tree ? headersOf(path, text, options.tree) : [])];
  const { world, problems: unread } = worldWith(images, [], parseCache(options.grammar, known), facts);
  const { raised, problems } = look(world, rules, new Set([path]));
  const message = sourceMessage(image);
  const context = {
    messages: [message],
    patches: [],
    comments: [],
    facts,
    touched: new Map<string, number>(),
    removed: null,
    holdTrials: options.holdTrials ?? false,
    ...(judge ? { judge } : {}),
  };
  const apart = attribute(raised, context, -1).map(c => (c.finding.witness || c.raised.remark.shape ? c : { ...c, subject: c.finding.fingerprint }));
  const settled = settleFindings(apart, [], context);
  const functions = world.files.filter((f: CodeFile) => f.path === path).flatMap(f => f.functions);
  const standing = (f: Finding): Finding => ({ ...f, patch: { index: -1, messageId: '' }, origin: 'pre-existing' });
  return {
    input: path,
    thread: { input: path, messages: [message], series: [], comments: [], problems: [] },
    reviews: [
      {
        series: '',
        title: path,
        version: 0,
        coverage: {
          patches: 0,
          filesC: 1,
          filesSkipped: [],
          ...understood(functions),
          claims: { decided: settled.decided, held: settled.held.length },
        },
        findings: settled.findings.map(standing),
        resolved: [],
        held: settled.held.map(h => ({ ...h, finding: standing(h.finding) })),
        problems: [...unknown, ...unread, ...problems],
        ...(judge ? { baseline: judge.use(functions, new Set([path])) } : {}),
      },
    ],
    problems: [],
  };
}

/** Every line as a patch's own: rules that speak of new code alone speak of all of it. */
function added(image: Image): Image {
  return { ...image, pieces: image.pieces.map(p => ({ ...p, origin: p.lines.map(() => 0) })), addedBy: 0 };
}

/** The file as a message, so that a note can quote its lines. */
function sourceMessage(image: Image): Message {
  const lines = image.pieces.flatMap(p => p.lines.map((text, i): HunkLine => ({ kind: 'context', text, oldLine: i + 1, newLine: i + 1 })));
  const { path } = image;
  const hunk = { oldStart: 1, oldCount: lines.length, newStart: 1, newCount: lines.length, section: '', lines };
  return {
    n: 1,
    messageId: '',
    kind: 'other',
    subject: path,
    title: path,
    from: null,
    date: null,
    inReplyTo: null,
    references: [],
    numbering: { prefixes: [], version: 1, index: null, total: null },
    body: '',
    problems: [],
    patch: {
      title: path,
      author: { name: '', address: '' },
      index: null,
      total: null,
      version: 1,
      prefixes: [],
      recovered: false,
      log: '',
      trailers: [],
      files: [{ path, change: 'modify', added: 0, removed: 0, binary: false, hunks: [hunk] }],
      problems: [],
    },
  };
}

/** The JSON documents that the commands write; the JSON Schemas under schema/ are generated from this. docs/json.md explains the fields. */
import { z } from 'zod';

const text = z.string();
const line = z.number().int();
const count = z.number().int().min(0);
const side = z.enum(['new', 'old']);
const person = z.object({ name: text, address: text }).meta({ id: 'Person' });
const fileOf = { input: text.describe('the input as given'), inputs: z.array(text).optional().describe('all files, where several are one input') };

const problem = z
  .object({
    severity: z.enum(['refused', 'odd']).describe('refused: git would not read or apply it'),
    where: text.describe('the place as a person names it'),
    message: text,
  })
  .meta({ id: 'Problem', description: 'trouble with the input' });
const problems = z.array(problem);

const changedFile = z.object({
  path: text.describe('raw, without a/ and b/'),
  oldPath: text.optional(),
  change: z.enum(['modify', 'add', 'delete', 'rename', 'copy', 'mode']),
  added: count,
  removed: count,
  binary: z.boolean(),
});

const shownPatch = z.object({
  title: text.describe("git mailinfo's: in-body From and Subject count"),
  author: person,
  index: count.nullable(),
  total: count.nullable(),
  version: count,
  prefixes: z.array(text),
  recovered: z.boolean().describe('put together from quoted lines'),
  trailers: z.array(z.object({ key: text, value: text })),
  problems,
  files: z.array(changedFile),
});

const message = z.object({
  n: count.describe('position in the input, from 1'),
  messageId: text.describe('without <>'),
  kind: z.enum(['cover', 'patch', 'reply', 'pull', 'other']),
  subject: text,
  title: text.describe("git mailinfo's clean subject"),
  from: person.nullable(),
  date: text.nullable().describe('ISO 8601 in UTC'),
  inReplyTo: text.nullable(),
  problems,
  patch: shownPatch.nullable(),
  file: text.optional().describe('the file in the folder that is the input'),
});

const series = z.object({
  id: text,
  version: count,
  title: text,
  expected: count,
  complete: z.boolean(),
  cover: text.nullable(),
  patches: z.array(text.nullable()).describe('message-ids in order, null of a patch that is missing'),
  followUps: z.array(z.object({ trailer: text.describe('Key: value'), from: person, patch: text })),
  base: z
    .object({ commit: text.nullable(), prerequisites: z.array(z.object({ kind: z.enum(['patch', 'message', 'change']), id: text })) })
    .optional()
    .describe('what the series is to be applied to'),
  changeId: text.optional().describe("b4's name for all versions of the set"),
  set: text.optional().describe('of several versions of one set: the id of the first'),
});

const show = z.object({
  schema: z.literal('fencepost.show/1'),
  ...fileOf,
  messages: z.array(message),
  series: z.array(series),
  comments: z.array(z.object({ from: person.nullable(), messageId: text, patch: text, path: text, line, text })).describe('under quoted lines'),
  problems,
});

const verdict = z.enum(['Never', 'Sometimes', 'Always', 'DEADLOCK', 'unsupported']);
const threads = z.array(z.object({ name: text, function: text.nullable().describe('null of a CPU that is assumed') }));
const steps = z.array(z.object({ thread: count.describe('index into threads'), text, path: text, line }));

const witness = z
  .object({
    kind: z.enum(['state', 'race']),
    verdict: verdict.describe('of the bad outcome'),
    fixedVerdict: verdict.describe('of the bad outcome with the fix'),
    reach: verdict.describe('of the intended outcome'),
    strength: z.enum(['sc', 'tso', 'weak']).describe('the strongest machine that shows it: one memory, store buffers as x86, weaker'),
    assumes: z.array(text),
    threads,
    steps: steps.nullable().describe('one execution, in order of time'),
    outcome: text.describe('the cells at the end'),
    reordering: text.describe('what has to be reordered, in one sentence'),
    litmus: text,
    fixedLitmus: text,
  })
  .meta({ id: 'Witness', description: 'the execution, decided by the Linux-kernel memory model' });

const finding = z
  .object({
    rule: text,
    finds: text.optional().describe('the class of the fault'),
    severity: z.enum(['error', 'warning', 'note']),
    confidence: z.enum(['high', 'medium', 'low']),
    basis: z.enum(['certain', 'shown', 'inferred', 'asked']).optional().describe('how the finding is known'),
    message: text,
    detail: z.array(text).describe('sentences under the message'),
    question: text.optional(),
    dismissal: text.optional().describe('what would refute it'),
    said: z.array(z.object({ source: text, text })).describe('what the author wrote about it'),
    path: text,
    line: line.describe("in the finding's patch"),
    side: side.describe('old: the line is one that the patch removes'),
    function: text,
    patch: z.object({ index: z.number().int().describe('-1 where no patch has to do with it'), messageId: text }),
    origin: z.enum(['introduced', 'touched', 'pre-existing']),
    status: z.enum(['open', 'fixed-later', 'repaired', 'raised', 'answered']),
    statusDetail: text.optional().describe('of fixed-later and repaired the title of the patch; of raised the name of who raised it'),
    sincePrevious: z.enum(['new', 'open', 'resolved']).optional().describe('against the version of the series before'),
    related: z.array(z.object({ path: text, line, side, note: text })),
    fix: z.array(z.object({ text, edit: text.nullable(), fixedVerdict: verdict.nullable() })),
    references: z.array(text),
    fingerprint: text.regex(/^[0-9a-f]{16}$/).describe('stays the same when other lines of the file change'),
    witness: witness.optional(),
    story: z
      .object({ threads, steps, decided: z.literal(false) })
      .optional()
      .describe('an execution that the model does not decide'),
  })
  .meta({ id: 'Finding' });

const coverage = z.object({
  patches: count,
  filesC: count,
  filesSkipped: z.array(z.object({ path: text, why: text })),
  functions: z.object({ whole: count, partial: count, broken: count }),
  events: count,
  opaqueCalls: count,
  claims: z.object({ decided: count, held: count }),
  dropped: z.record(text, count).optional(),
});

/** Why a finding is held. A reader has to be ready for a reason that it does not know. */
const reason = z.enum([
  'below-threshold',
  'not-decided',
  'opaque-in-between',
  'private-object',
  'lock-held',
  'dismissed-by-fact',
  'baseline',
  'too-large',
  'pre-existing',
  'trial',
  'ordered',
  'other-lock',
  'same-thread',
  'phase',
  'contract',
]);

const review = z.object({
  schema: z.literal('fencepost.review/1'),
  ...fileOf,
  reviews: z.array(
    z.object({
      series: text.describe('the id of the series, as in show'),
      coverage: coverage.describe('how much was understood'),
      findings: z.array(finding),
      resolved: z.array(finding).describe('what a later patch of the series repairs, and what is gone since the version before'),
      held: z.array(z.object({ finding, reason, detail: text })).describe('findings that are not reported'),
      problems,
    }),
  ),
  problems,
});

const litmus = z.object({
  schema: z.literal('fencepost.litmus/1'),
  input: text,
  test: text.nullable(),
  verdict,
  reason: text.optional().describe('why it is unsupported'),
  flags: z.array(text),
  positive: count.describe('executions that satisfy the condition'),
  negative: count,
  states: z.array(text).optional().describe('with --states, as herd7 writes them'),
  seconds: z.number().min(0).optional().describe('with --time'),
});

const ordering = z.enum([
  'none',
  'plain',
  'relaxed',
  'address',
  'acquire',
  'release',
  'full',
  'rmb',
  'wmb',
  'compiler',
  'before-atomic',
  'after-atomic',
]);
const cell = z.object({
  type: text.nullable().describe('the struct, where it is known'),
  path: text.describe('as the text says, from the last pointer on'),
  bit: text.nullable(),
  base: text.nullable().describe('the pointer that it is reached through'),
  pointee: z.literal(true).optional().describe('the memory that the pointer at `path` points to'),
  within: z.object({ type: text, path: text }).optional().describe('the same memory as a path in the nearest object of known type'),
  inferred: z.literal(true).optional().describe('the type is told by uses alone'),
});

const events = z.object({
  schema: z.literal('fencepost.events/1'),
  ...fileOf,
  functions: z.array(
    z.object({
      path: text,
      name: text,
      line,
      endLine: line,
      whole: z.boolean().describe('false where a patch shows only part of it'),
      events: z.array(
        z.object({
          line,
          kind: z.enum(['read', 'write', 'rmw', 'fence', 'lock', 'unlock', 'rcu', 'publish', 'free', 'wait', 'wake', 'call']),
          api: text,
          cell: cell.nullable(),
          ordering: ordering.nullable(),
          orderingOnFailure: ordering.nullable(),
          locks: z.array(text).describe('held there on every path'),
          context: z.array(text),
          side,
          known: z.literal(false).optional(),
          effects: z
            .array(z.looseObject({ does: text.describe('access, order, open, close, sleep, publish, consume, quiesce, free, ref, ...') }))
            .optional()
            .describe('what the call does by its fact, arguments as written'),
          via: z
            .object({ function: text, path: text, line })
            .optional()
            .describe('the event is that of a helper in view, expanded at the call on this line; its own place'),
        }),
      ),
    }),
  ),
  problems,
});

const rules = z.array(
  z.object({
    id: text,
    title: text,
    severity: z.enum(['error', 'warning', 'note']),
    confidence: z.enum(['high', 'medium', 'low']),
    finds: z.array(text).describe('classes of faults'),
    trial: z.boolean().describe('reported only with --all or --rule'),
    why: text,
    references: z.array(text),
    knownGaps: z.array(text),
    examples: z.object({ bad: z.array(text), good: z.array(text) }),
  }),
);

/** By the name of the command that writes the document. */
export const documents = { show, review, litmus, events, rules };

const ABOUT: Record<keyof typeof documents, string> = {
  show: 'A line of `fencepost show --json`: what was read of one input',
  review: 'A line of `fencepost review --format json`, also of check and scan: the findings of one input',
  litmus: 'A line of `fencepost litmus --json`: one litmus test',
  events: 'A line of `fencepost events --json`: what the code of one input does',
  rules: 'The output of `fencepost rules --json`: what each rule looks for',
};

/** The JSON Schema (draft 2020-12) of a document. Fields that are not named may be there: later releases add some. */
export function documentSchema(name: keyof typeof documents): object {
  return { title: `fencepost ${name}`, description: ABOUT[name], ...z.toJSONSchema(documents[name], { io: 'input' }) };
}

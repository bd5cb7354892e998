import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { mailDrafts, type Person, type Review, raisedLine, review } from '../../src/index.ts';
import { distinct, header, peoplePieces, textPieces } from '../../src/report/header.ts';
import { grammar, patchOf, threadOf } from '../code.ts';
import { mail as mailText, read } from '../read/reading.ts';
import { code } from './lane.ts';

/** The diff that adds a file. */
function adding(path: string, text: string): string {
  const lines = text.replace(/\n$/, '').split('\n');
  return `diff --git a/${path} b/${path}
new file mode 100644
index 000000000000..111111111111
--- /dev/null
+++ b/${path}
@@ -0,0 +1,${lines.length} @@
${lines.map(line => `+${line}\n`).join('')}`;
}

const patch = (headers: Record<string, string> = {}, log = 'Keep lanes twice.', text = code, path = 'drivers/lane.c') =>
  mailText(headers, `${log}\n---\n drivers/lane.c | 17 +++\n\n${adding(path, text)}`);

const reviewed = async (text: string): Promise<Review> => review(await read(text), { grammar: await grammar() });
const drafted = async (text: string) => mailDrafts(await reviewed(text));

/** Headers of one draft by name, unfolded, in order, and the body. */
function parts(draft: string) {
  const [from = '', ...rest] = draft.split('\n');
  const end = rest.indexOf('');
  const headers = rest
    .slice(0, end)
    .join('\n')
    .replace(/\n[ \t]/g, ' ')
    .split('\n')
    .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const);
  return { from, headers, value: Object.fromEntries(headers), body: rest.slice(end + 1), raw: rest.slice(0, end) };
}

const NAMES = ['To', 'Cc', 'Subject', 'In-Reply-To', 'References', 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding'];

describe('a draft', () => {
  const thread = {
    To: 'list@example.org',
    Cc: 'Maintainer <maintainer@example.org>',
    References: '<0@example.org>',
    'In-Reply-To': '<0@example.org>',
  };

  test('answers the patch: threaded, to its sender, with all others in Cc; sender and date are the mailer’s', async () => {
    const { from, headers, value } = parts(await drafted(patch({ ...thread, Subject: '[PATCH v2 3/7] lanes: keep them twice' })));
    expect(from).toBe('From mboxrd@z Thu Jan  1 00:00:00 1970');
    expect(headers.map(([name]) => name)).toEqual(NAMES);
    expect(value).toMatchObject({
      To: 'Patch Author <author@example.org>',
      Cc: 'list@example.org, Maintainer <maintainer@example.org>',
      Subject: 'Re: [PATCH v2 3/7] lanes: keep them twice',
      'In-Reply-To': '<1@example.org>',
      References: '<0@example.org> <1@example.org>',
      'Content-Type': 'text/plain; charset=UTF-8',
    });
  });

  test('says who wrote when, quotes the lines in question, has the comment under them and the question last', async () => {
    const { body } = parts(await drafted(patch()));
    expect(body[0]).toBe('On Tue, Mar 03, 2026 at 09:00:00AM +0000, Patch Author wrote:');
    expect(body.slice(1, 7)).toEqual([
      '> +\tset_bit(i, m->used);',
      '> +\tclear_bit(i,',
      '> +\t\t  m->idle);',
      '',
      'lane_take() and lane_put() on one bit can interleave so that idle and',
      'used stay inconsistent:',
    ]);
    expect(body.join('\n').trim()).toMatch(/\?$/);
  });

  test('has no line number, no rule, no fingerprint, no trailer and no signature', async () => {
    const result = await reviewed(patch());
    const text = mailDrafts(result);
    for (const finding of result.reviews.flatMap(r => r.findings)) {
      expect(text).not.toContain(finding.rule);
      expect(text).not.toContain(finding.fingerprint.slice(0, 8));
    }
    const body = parts(text).body.slice(1);
    expect(body.join('\n')).not.toMatch(/:\d|@@|\bline \d/);
    expect(body.filter(line => /^[A-Z][\w-]+: |^-- ?$/.test(line))).toEqual([]);
  });

  test('keeps prose and executions within 72 columns, also those of long names and many CPUs', async () => {
    const name = (word: string) => `${word}_of_a_driver_that_calls_things_by_all_their_names`;
    const long = code.replaceAll('lane_take', name('take')).replaceAll('lane_put', name('put'));
    for (const text of [code, long]) {
      const body = parts(await drafted(patch({}, 'Keep lanes twice.', text))).body.slice(1);
      for (const line of body) if (!line.startsWith('>')) expect(line.length, line).toBeLessThanOrEqual(72);
    }
    const body = parts(await drafted(patch({}, 'Keep lanes twice.', long))).body;
    expect(body).toContain('  CPU 0  used: 0 -> 1');
    expect(body).toContain('  CPU 0  idle: 0, stays 0');
  });

  test('quotes the commit message where the point is there, and only then', async () => {
    const log = 'Lanes are kept twice.\n\nThey are quick. A race between\nthe two resolves by itself. Nothing else\nchanges.';
    const { body } = parts(await drafted(patch({}, log)));
    expect(body.slice(1, 6)).toEqual([
      '> [...]',
      '> They are quick. A race between',
      '> the two resolves by itself. Nothing else',
      '> [...]',
      '> +\tset_bit(i, m->used);',
    ]);
    expect(body.join('\n')).not.toContain('The log says');
    expect(parts(await drafted(patch())).body.join('\n')).not.toContain('Keep lanes twice');
  });

  test('has several findings in the order of their lines, each line quoted above what is said of it', async () => {
    const two = `${code.replace('};', '\tunsigned long *more;\t/* more == ~even */\n\tunsigned long *even;\n};')}
void more_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->more);
	clear_bit(i, m->even);
}

void more_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->more);
	set_bit(i, m->even);
}
`;
    const result = await reviewed(patch({}, 'Keep lanes twice.', two));
    for (const r of result.reviews) r.findings.reverse();
    const { body } = parts(mailDrafts(result));
    const at = [
      '> +\tset_bit(i, m->used);',
      'lane_take() and lane_put() on one bit',
      '> [...]',
      '> +\tset_bit(i, m->more);',
      'more_take() and more_put() on one bit',
    ].map(start => body.findIndex(line => line.startsWith(start)));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at).not.toContain(-1);
    expect(body.filter(line => line.includes('wrote:'))).toHaveLength(1);
  });

  test('quotes a line again for a second comment on it', async () => {
    const result = await reviewed(patch());
    for (const r of result.reviews) r.findings = r.findings.flatMap(f => [f, { ...f, message: 'The second thing' }]);
    expect(parts(mailDrafts(result)).body.filter(line => line === '> +\tset_bit(i, m->used);')).toHaveLength(2);
  });

  test('of a patch of several files names the one that is quoted', async () => {
    const log = 'Keep lanes twice.';
    const both = `${patch({}, log)}${adding('drivers/road.c', 'int road(void)\n{\n\treturn 1;\n}\n')}`;
    expect(parts(await drafted(both)).body[1]).toBe('> +++ b/drivers/lane.c');
  });

  test('of a patch without a Message-ID goes to its author, and answers no mail', async () => {
    const { headers, value } = parts(await drafted(patch({ 'Message-ID': '', Date: '' })));
    expect(headers.map(([name]) => name)).toEqual(NAMES.filter(name => !['Cc', 'In-Reply-To', 'References'].includes(name)));
    expect(value.To).toBe('Patch Author <author@example.org>');
    expect(parts(await drafted(patch({ 'Message-ID': '', Date: '' }))).body[0]).toBe('Patch Author wrote:');
  });

  test('is left out where a reply has commented on the line, which is counted', async () => {
    const result = await reviewed(patch());
    const [finding] = result.reviews.flatMap(r => r.findings);
    if (finding) finding.status = 'raised';
    expect(mailDrafts(result)).toBe('');
    expect(raisedLine(result)).toBe('1 finding is in no draft: a reply has commented on its line already');
    expect(raisedLine(await reviewed(patch()))).toBeNull();
  });

  test('once sent is a reply that raises the same: the next run has no draft of it', async () => {
    const original = patch(thread, 'Keep lanes twice.', code.replace(/clear_bit\(i,\n\t\t {2}m/, 'clear_bit(i, m'));
    const draft = await drafted(original);
    const sent = draft.replace(
      '\nMIME-Version',
      '\nFrom: Reviewer <reviewer@example.org>\nDate: Wed, 4 Mar 2026 10:00:00 +0100\nMessage-ID: <2@example.org>\nMIME-Version',
    );
    const again = await reviewed(`From mboxrd@z Thu Jan  1 00:00:00 1970\n${original}\n${sent}`);
    expect([mailDrafts(again), again.reviews.flatMap(r => r.findings.map(f => f.status))]).toEqual(['', ['raised']]);
  });

  test('stands by itself in the mbox, one for each patch with findings, in their order', async () => {
    const first = patchOf({ 'drivers/lane.c': code }, '', 1, 3);
    const second = patchOf({ 'drivers/none.c': 'int none(void)\n{\n\treturn 0;\n}\n' }, '', 2, 3);
    const third = patchOf({ 'drivers/road.c': code.replaceAll('lane_', 'road_') }, '', 3, 3);
    const text = mailDrafts(review(threadOf([first, second, third]), { grammar: await grammar() }));
    const drafts = text.split(/^(?=From mboxrd@z )/m).map(parts);
    expect(drafts.map(d => d.value['In-Reply-To'])).toEqual(['<1@example.org>', '<3@example.org>']);
    expect(mailDrafts(review(threadOf([second]), { grammar: await grammar() }))).toBe('');
  });

  test('is the same bytes each time', async () => {
    expect(await drafted(patch(thread))).toBe(await drafted(patch(thread)));
  });
});

describe('whom a draft goes to', () => {
  const to = async (headers: Record<string, string>) => {
    const { value } = parts(await drafted(patch(headers)));
    return { to: value.To, cc: value.Cc };
  };

  test('an address to reply to counts in place of the sender’s, unless it is none', async () => {
    expect(await to({ To: 'list@example.org', 'Reply-To': 'Author <work@example.org>' })).toEqual({
      to: 'Author <work@example.org>',
      cc: 'list@example.org',
    });
    expect(await to({ 'Reply-To': 'nobody' })).toMatchObject({ to: 'Patch Author <author@example.org>' });
  });

  test('each person once, the sender not again, whatever the case of letters', async () => {
    expect(await to({ To: 'a@example.org, AUTHOR@example.org', Cc: 'A <A@example.org>, b@example.org,\n c@example.org' })).toEqual({
      to: 'Patch Author <author@example.org>',
      cc: 'a@example.org, b@example.org, c@example.org',
    });
  });

  test('names with commas, quotes, comments and groups are read as RFC 5322 has them', async () => {
    const cc = '"Last, First" <a@example.org>, b@example.org (The B), Some: c@example.org, d@example.org;, undisclosed-recipients:;';
    expect((await to({ Cc: cc })).cc).toBe('"Last, First" <a@example.org>, The B <b@example.org>, c@example.org, d@example.org');
  });

  test('a name that is not ASCII arrives as it was', async () => {
    const name = 'Jörg Łukasz Ünterschrïft-Näme, ein langer';
    const word = (text: string) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
    const draft = await drafted(
      patch({ Cc: `${word('Jörg Łukasz ')}\n ${word('Ünterschrïft-Näme, ein langer')} <j@example.org>, k@example.org`, Subject: '[PATCH] größer' }),
    );
    const parsed = await simpleParser(draft.replace(/^From .*\n/, ''));
    const cc = [parsed.cc ?? []].flat().flatMap(list => list.value);
    expect(cc.map(person => [person.name, person.address])).toEqual([
      [name, 'j@example.org'],
      ['', 'k@example.org'],
    ]);
    expect(parsed.subject).toBe('Re: [PATCH] größer');
    expect(parts(draft).raw.every(line => /^[\x20-\x7e\t]{0,78}$/.test(line))).toBe(true);
  });

  test('an encoded name brings no address of its own', async () => {
    const word = `=?UTF-8?Q?${encodeURIComponent('x <evil@example.org>, y').replaceAll('%', '=')}?=`;
    expect((await to({ Cc: `${word} <a@example.org>` })).cc).toBe('a@example.org');
  });
});

describe('nothing in a mail adds a header to its draft, or acts on a terminal', () => {
  const hostile = '\r\nBcc: evil@example.org\r\n\r\nbody \x1b]0;title\x07\x1b[2J \u202e\u2066 \0';
  const encoded = (text: string) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;

  test('names, subjects and ids of any content', async () => {
    const text = patch(
      {
        From: `${encoded(`Name${hostile}`)} <author@example.org>`,
        Cc: `${encoded(`C${hostile}`)} <cc@example.org>, <x@y@z>, <a b@example.org>, <\x1b[2J@example.org>, <é@example.org>`,
        Subject: `[PATCH] ${encoded(`lanes${hostile}`)}`,
        'Message-ID': '<1\x1b[2J@example.org>',
        References: '<r\x1b[2J@example.org> <0@example.org>',
      },
      `Log ${hostile.replaceAll('\r', '')}\nFrom here on`,
      code.replace('kept', `\x1b[31m\u202e kept`).replace('m->idle);', 'm->idle); /* \x1b[2J\u2066 */'),
    );
    const draft = await drafted(text);
    expect(draft).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f]/);
    const { headers, value, body } = parts(draft);
    expect(headers.map(([name]) => name)).toEqual(NAMES.filter(name => !['In-Reply-To', 'References'].includes(name)));
    // A name that holds an address of its own gives way to the real one.
    expect(value.Cc).toBe('cc@example.org');
    expect([value.To, body[0]]).toEqual(['author@example.org', expect.stringMatching(/, author@example\.org wrote:$/)]);
    expect(body.filter(line => line.startsWith('Bcc'))).toEqual([]);
  });

  test('Re: stands once, whatever stands before', async () => {
    const result = await reviewed(patch());
    for (const m of result.thread.messages) m.subject = 'Re: RE: re : [PATCH] lanes';
    expect(parts(mailDrafts(result)).value.Subject).toBe('Re: [PATCH] lanes');
  });

  test('a long header is folded, and a word that no fold can break is encoded', () => {
    const people = Array.from({ length: 40 }, (_, i): Person => ({ name: `Person ${i}`, address: `p${i}@example.org` }));
    for (const text of [
      header('Cc', peoplePieces(people)),
      header('Subject', textPieces(`a ${'x'.repeat(5000)} b`)),
      header('Subject', textPieces('word '.repeat(500))),
    ])
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(78);
    expect(distinct(people, people)).toEqual([]);
  });

  test('a line that begins like a mail, or like a quote, does neither', async () => {
    const result = await reviewed(patch());
    for (const f of result.reviews.flatMap(r => r.findings)) {
      f.message = 'From here on nothing is ordered';
      f.detail = ['> is not a quote', '>From this neither'];
    }
    const { body } = parts(mailDrafts(result));
    expect(body).toContain('>From here on nothing is ordered:');
    expect(body).toContain(' > is not a quote.');
    expect(body).toContain(' >From this neither.');
  });

  test('a line of ten million characters is cut to what a mail may hold', async () => {
    const long = code.replace('set_bit(i, m->used);', `set_bit(i, m->used); /* ${'é'.repeat(10_000_000)} */`);
    for (const line of (await drafted(patch({ Subject: `[PATCH] ${'s'.repeat(100_000)}` }, 'Keep.', long))).split('\n'))
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(998);
  });
});

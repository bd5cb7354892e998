import { expect, test } from 'vitest';
import { decodeEntities } from '../../../src/read/pages/entities.ts';
import { MAX_LETTERS } from '../../../src/read/pages/limits.ts';
import { sheetOfHtml } from '../../../src/read/pages/sheet.ts';
import { DIFF, escaped, readPage } from './pages.ts';

const HEAD = 'From: Patch Author <ada@example.org>\nSubject: [PATCH] pond\nDate: Tue, 2 Jan 2024 10:00:00 +0100\nMessage-ID: <1@example.org>\n\n';
const PAGE = `<html><head><title>x</title></head><body><pre>${escaped(DIFF)}</pre></body></html>\n`;

test.each([
  ['a mail whose body quotes HTML', HEAD + PAGE],
  ['an HTML-only mail', HEAD.replace('\n\n', '\nContent-Type: text/html\n\n') + PAGE],
  ['a mail in an mbox that quotes HTML', `From ada@example.org Tue Jan  2 10:00:00 2024\n${HEAD}${PAGE}`],
  ['a diff of an HTML file', `diff --git a/x.html b/x.html\n--- a/x.html\n+++ b/x.html\n@@ -1 +1 @@\n-<html>\n+<!doctype html>\n`],
  ['a diff without a git header', '--- a/x.html\n+++ b/x.html\n@@ -1 +1 @@\n-<html>\n+<!doctype html>\n'],
  ['a mail that quotes a page of lore', `${HEAD}From: x\nMessage-ID: <2@example.org> (raw)\n\nhello\n`],
  ['a mail that quotes a thread page', `${HEAD}* s\n@ x\nFrom: A @ 2024-01-02  9:00 UTC (permalink / raw)\n\nx\n`],
  ['a mail that quotes a commit page', `${HEAD}author\tA <a@example.org>\t2024-01-02 10:00:00 +0100\ncommit\t${'0'.repeat(40)}\nx\n`],
  ['a mail with a header that names others', `X-Note: From: x Subject: y Date: z ${'long '.repeat(40)}\n${HEAD}text\n`],
  ['a text with a date and an address', 'We met\nada at example.org\nand that was that, on Tue Jan 2.\n'],
  [
    'a commit as git log has it',
    `commit ${'0'.repeat(40)}\nAuthor: Patch Author <ada@example.org>\nDate:   Tue Jan 2 10:00:00 2024 +0100\n\n    pond\n\n${DIFF}`,
  ],
  ['text that starts with a mark of HTML', '<- this way, and not that way, and never back again\n'],
  ['nothing', ''],
])('%s is no page', async (_what, document) => {
  expect((await readPage(document)).isPage).toBe(false);
});

test('entities and tags never reach the text', () => {
  const { text } = sheetOfHtml(
    '<p>a&amp;lt;b &lt;i&gt; &#x41;&#66;&nbsp;&bogus;<b title="1>2">c</b><script>if (a < b) "</p>"</script><style>p{}</style><!-- no --><textarea>no</textarea>',
  );
  expect(text).toBe('a&lt;b <i> AB &bogus;c');
});

test.each([
  ['&#0;&#xd800;&#1114112;&#99999999999;', '\ufffd\ufffd\ufffd&#99999999999;'],
  ['&#150;&Auml;&eacute;', '–Äé'],
  ['&toString;&constructor;', '&toString;&constructor;'],
  ['a & b; &', 'a & b; &'],
])('%s reads as %s', (html, text) => {
  expect(decodeEntities(html)).toBe(text);
});

test('a page with too many messages says that it is cut', async () => {
  const one = '* s\n@ x\nFrom: A @ 2024-01-02  9:00 UTC (permalink / raw)\n\nx\n';
  const { messages } = await readPage(`lore\n${one.repeat(MAX_LETTERS + 10)}`);
  expect(messages).toHaveLength(MAX_LETTERS);
  expect(
    messages
      .at(-1)
      ?.problems.map(problem => problem.message)
      .join(),
  ).toContain('those past that are not read');
});

const HOSTILE = [
  '<',
  '<a ',
  '<a href="',
  '&',
  '&#',
  '<!--',
  '<pre>',
  '</pre>',
  '<div class=ctx>',
  '<a href=x>',
  '<script>',
  '<title>',
  '<td>',
  '</',
  '<br>',
  '<pre>* s\n@\nFrom: a @ 2024-01-02 09:00 UTC (permalink / raw)\n',
];

test.each(HOSTILE)('a page of nothing but %j is read to its end and without a fault', async piece => {
  const { messages } = await readPage(`<!doctype html><title>x</title>${piece.repeat(Math.ceil(500_000 / piece.length))}`);
  expect(messages.length).toBeGreaterThan(0);
});

const FIRST = 's\nPatch Author\nada at example.org\nTue Jan  2 10:00:00 PST 2024\n';

test.each([
  ['heads of messages', 'lore\n', 'From: a @ 2024-01-02 09:00 UTC (permalink / raw)\n'],
  ['ids', 'nav\n', 'Message-ID: <a@example.org> (raw)\n'],
  ['headers on one line', 'Received: x From: y Subject: z Date: w ', 'Content-Type: text/plain; a=b; '],
  ['quotes', FIRST, '> > > > '],
  ['quoted hunks', `${FIRST}> diff --git a/x b/x\n> --- a/x\n> +++ b/x\n`, '> @@ -1,3 +1,4 @@\n> a\n> +b\n'],
  ['joined lines', `${FIRST}> diff --git a/x b/x\n> --- a/x\n> +++ b/x\n> @@ -1,9000 +1,90000 @@\n`, '> + *> + x\n'],
  ['attachments', FIRST, '-------------- next part --------------\n'],
  ['marks of a reply', FIRST, 'wrote: '],
])('a text page of nothing but %s is read to its end and without a fault', async (_what, head, piece) => {
  const { messages } = await readPage(head + piece.repeat(Math.ceil(500_000 / piece.length)));
  expect(messages.length).toBeGreaterThan(0);
});

import { expect, test } from 'vitest';
import { DIFF, escaped, filesOf, problemsOf, readInput, readOne, readPage } from './pages.ts';

const TOP =
  '<html><head><title>a pond</title><style>pre{white-space:pre-wrap}</style></head><body><form\naction="../"><pre><a\nhref="../">ponds@example.org</a> <a\nhref="../help/">help</a></pre></form>';
const LOG = 'Check the level.\n\nSigned-off-by: Patch Author <ada@example.org>\n---\n lib/pond.c | 3 ++-\n\n';

const single = (body: string, more = '') =>
  `${TOP}<pre\nid=b>From: Patch Author &lt;ada@example.org&gt;
To: ponds@example.org,
	fish@example.org
Subject: <a
href="#r"
id=t>[PATCH v2] pond: check the level &amp; more</a>
Date: Tue, 2 Jan 2024 10:00:00 +0100	<a
href="#r">[thread overview]</a>
Message-ID: &lt;2@example.org&gt; (<a href="raw">raw</a>)
${more}
${body}</pre><hr><pre><a
href="../1@example.org/">next</a>	other threads:[<a
href="../">~2024-01-02 09:00 UTC</a>|<a
href="../">newest</a>]
</pre><hr><pre
id=R><b>Reply instructions:</b>
</pre></body></html>`;

const HTML_DIFF = escaped(DIFF)
  .replace('diff --git', '<span\nclass="head"><a\nhref=#i1\nid=Z1>diff</a> --git')
  .replace('@@ -3', '</span><span\nclass="hunk">@@ -3')
  .replace('\n {', '\n</span> {')
  .replace('\n+\tif', '\n<span\nclass="add">+\tif');

test('a message page gives what its mail gives', async () => {
  const { isPage, messages } = await readPage(
    single(escaped(LOG) + HTML_DIFF, 'In-Reply-To: &lt;<a\nhref="../1@example.org/">1@example.org</a>&gt;\n'),
  );
  expect(isPage).toBe(true);
  expect(messages[0]).toMatchObject({
    messageId: '2@example.org',
    kind: 'patch',
    title: 'pond: check the level & more',
    from: { name: 'Patch Author', address: 'ada@example.org' },
    date: '2024-01-02T09:00:00Z',
    inReplyTo: '1@example.org',
    problems: [],
    patch: { recovered: false, version: 2, trailers: [{ key: 'Signed-off-by', value: 'Patch Author <ada@example.org>' }] },
  });
  expect(filesOf(messages[0])).toEqual(['2 1 lib/pond.c']);
});

test('a page that a browser wrote anew from its own tree reads the same', async () => {
  const page = single(escaped(LOG) + HTML_DIFF)
    .replace('<html>', '<!DOCTYPE html>\n<!-- saved from url=(0040)https://lore.example.org/all/2@example.org/ -->\n<html>')
    .replaceAll('href="../', 'href="https://lore.example.org/all/')
    .replace('id=b', 'id="b"');
  expect(filesOf(await readOne(page))).toEqual(['2 1 lib/pond.c']);
});

test('a page saved by a browser as one MHTML file reads the same', async () => {
  const html = single(escaped(LOG) + HTML_DIFF).replaceAll('=', '=3D');
  const page = `From: <Saved by Blink>\nSnapshot-Content-Location: https://lore.example.org/all/2@example.org/\nSubject: a pond\nMIME-Version: 1.0\nContent-Type: multipart/related;\n\ttype="text/html";\n\tboundary="--MultipartBoundary--x"\n\n\n----MultipartBoundary--x\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\nContent-Location: https://lore.example.org/\n\n${html}\n----MultipartBoundary--x--\n`;
  const message = await readOne(page);
  expect(message.messageId).toBe('2@example.org');
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
});

test('marks of attachments are no text, and a part that is not shown is a problem', async () => {
  const part = (n: number, rest: string) => `<a\nhref="${n}-a.txt">[-- Attachment #${n}: a.txt --]\n[-- Type: ${rest}, Size: 12 bytes --]</a>\n`;
  const message = await readOne(
    single(`${part(1, 'text/plain')}\n${escaped(LOG)}\n${part(2, 'text/x-patch')}\n${HTML_DIFF}\n${part(3, 'application/gzip')}\n`),
  );
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(message.patch?.log).toBe('Check the level.');
  expect(problemsOf(message)).toEqual(['the page does not show attachment 3']);
});

test('addresses that an inbox masks are put together and said to have been masked', async () => {
  const message = await readOne(single(escaped(LOG)).replaceAll('ada@example.org', 'ada@example&#8226;org'));
  expect(message.from?.address).toBe('ada@example.org');
  expect(message.body).toContain('Signed-off-by: Patch Author <ada@example.org>');
  expect(problemsOf(message)).toEqual(['the page masks addresses (`user@host•org`); they are put together again']);
});

test('hunks that an inbox shows twice count once', async () => {
  const hunks = HTML_DIFF.slice(HTML_DIFF.indexOf('@@ -3'));
  const message = await readOne(single(`${escaped(LOG)}${HTML_DIFF}-- \n${hunks}-- \n2.43.0\n`));
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)).toEqual([]);
});

const entry = (n: number, subject: string, name: string, body: string, minute: number) => `<pre><a
href=#e${n}00000
id=m${n}00000>*</a> <b>${subject}</b>
<b>@ 2024-01-02 09:0${minute} ${name}</b>
  <a
href=#r${n}00000>0 siblings; 3+ messages in thread</a>
From: ${name} @ 2024-01-02 09:0${minute} UTC (<a
href="../../${n}%2Fx@example.org/">permalink</a> / <a
href="../../${n}%2Fx@example.org/raw">raw</a>)
  To: ponds; <b>+Cc:</b> fish

${body}

<a
href=#m${n}00000
id=e${n}00000>^</a> <a
href="../../${n}%2Fx@example.org/">permalink</a> <a
href="../../${n}%2Fx@example.org/raw">raw</a> <a
href="../../${n}%2Fx@example.org/#R">reply</a>	[<a
href="T/#u"><b>flat</b></a>|<a
href="t/#u">nested</a>] <a
href=#r${n}00000>3+ messages in thread</a></pre>`;

const row = (n: number, minute: number, text: string) =>
  `2024-01-02 09:0${minute} ${text.replace(/\[(.*)\]/, `<a\nhref="#m${n}00000"\nid=r${n}00000>$1</a>`)}\n`;

const thread = (between: string) => `${TOP}${[
  entry(1, '[PATCH] pond: check the level', 'Patch Author', escaped(LOG) + HTML_DIFF, 0),
  entry(
    2,
    'Re: [PATCH] pond: check the level',
    'Kernel Reviewer',
    '<span\nclass="q">&gt; +\tif (p-&gt;level &lt; 0 &amp;&amp; !p-&gt;dry)\n</span>Is dry ever set?',
    1,
  ),
  entry(3, 'Re: [PATCH] pond: check the level', 'Patch Author', 'Yes.\n\nFrom: Eve @ 2024-01-02 09:02 UTC (permalink / raw)\n\nnot a message', 2),
].join(between)}<hr><pre>end of thread, other threads:[<a
href="../">~2024-01-02 09:02 UTC</a> | <a
href="../">newest</a>]

<b
id=t>Thread overview:</b> 3+ messages (download: <a
href="../t.mbox.gz">mbox.gz</a>)
-- links below jump to the message on this page --
${row(1, 0, '[pond: check the level] Patch Author')}${row(2, 1, '` [Re: pond] Kernel Reviewer')}${row(3, 2, '  ` [Patch Author]')}</pre></body></html>`;

test.each([
  ['flat', '<hr>'],
  ['nested', '<ul><li></li></ul>'],
])('a %s thread page gives all its messages, tied as its overview shows', async (_kind, between) => {
  const { messages } = await readPage(thread(between));
  expect(messages.map(message => [message.messageId, message.kind, message.inReplyTo, message.from?.name])).toEqual([
    ['1/x@example.org', 'patch', null, 'Patch Author'],
    ['2/x@example.org', 'reply', '1/x@example.org', 'Kernel Reviewer'],
    ['3/x@example.org', 'reply', '2/x@example.org', 'Patch Author'],
  ]);
  expect(filesOf(messages[0])).toEqual(['2 1 lib/pond.c']);
  expect(messages.map(message => message.date)).toEqual(['2024-01-02T09:00:00Z', '2024-01-02T09:01:00Z', '2024-01-02T09:02:00Z']);
  expect(problemsOf(messages[1] as never)).toEqual(['the page does not show the address of the sender']);
});

const TEXT = `All of lore.example.org
 help / color / mirror / Atom feed
From: Patch Author <ada@example.org>
To: ponds@example.org
Cc: fish@example.org,
	"Ben: of the marsh" <ben@example.org>
Subject: [PATCH 1/2] pond: check the level
Date: Tue, 2 Jan 2024 10:00:00 +0100	[thread overview]
Message-ID: <2@example.org> (raw)
In-Reply-To: <1@example.org>

${LOG}${DIFF}-- 
2.43.0


  reply	other threads:[~2024-01-02 14:01 UTC|newest]

Thread overview: 2+ messages / expand[flat|nested]  mbox.gz  Atom feed  top
2024-01-02  9:00 [PATCH 0/2] pond Patch Author
2024-01-02  9:00 \` Patch Author [this message]

Reply instructions:

You may reply publicly to this message via plain-text email
  git send-email \\
    --to=ada@example.org \\
    /path/to/YOUR_REPLY
`;

test('a message page saved as text gives its message and nothing of its foot', async () => {
  const message = await readOne(TEXT);
  expect(message).toMatchObject({
    messageId: '2@example.org',
    inReplyTo: '1@example.org',
    kind: 'patch',
    title: 'pond: check the level',
    problems: [],
  });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(message.numbering).toMatchObject({ index: 1, total: 2 });
});

test('a message page that was saved from its headers on is known by them', async () => {
  const message = await readOne(TEXT.slice(TEXT.indexOf('From: ')));
  expect(message).toMatchObject({ messageId: '2@example.org', kind: 'patch' });
  expect((await readOne(TEXT.slice(TEXT.indexOf('From: ')).replace(LOG + DIFF, 'No diff here.\n'))).body).not.toContain('send-email');
});

test('a diff that lost its tabs on the way is said to have', async () => {
  const blanks = TEXT.replaceAll('\n+\t\t', '\n+                ')
    .replaceAll('\n+\t', '\n+        ')
    .replaceAll('\n-\t', '\n-        ')
    .replaceAll('\n \t', '\n         ');
  expect(problemsOf(await readOne(blanks))).toEqual(['the page shows blanks in place of tabs']);
});

test('a diff whose white space was folded is mended and marked', async () => {
  const folded = TEXT.replace(/\n([+ -])[\t ]+/g, '\n$1')
    .replace(/\n +/g, '\n')
    .replaceAll('\n\nOf', '\n');
  const message = await readOne(folded);
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(message.patch?.recovered).toBe(true);
  expect(problemsOf(message).join()).toMatch(/mended from a page that damaged it: white space at line starts is lost/);
});

const TEXT_THREAD = `public inbox for ponds@example.org
 help / color / mirror / Atom feed
${[
  ['[PATCH] pond: check the level', 'Patch Author', LOG + DIFF],
  ['Re: [PATCH] pond: check the level', 'Kernel Reviewer', '> +\tif (p->level < 0 && !p->dry)\nIs dry ever set?'],
  ['Re: [PATCH] pond: check the level', 'Patch Author', 'Yes.'],
]
  .map(
    ([subject, name, body], at) =>
      `* ${subject}\n@ 2024-01-02  9:0${at} ${name}\n  0 siblings; 3+ messages in thread\nFrom: ${name} @ 2024-01-02  9:0${at} UTC (permalink / raw)\n  To: ponds\n\n${body}\n\n^ permalink raw reply	[flat|nested] 3+ messages in thread\n`,
  )
  .join('')}
end of thread, other threads:[~2024-01-02  9:02 UTC | newest]

Thread overview: 3+ messages (download: mbox.gz / follow: Atom feed)
-- links below jump to the message on this page --
2024-01-02  9:00 [PATCH] pond: check the level Patch Author
2024-01-02  9:01 \` Kernel Reviewer
2024-01-02  9:02   \` Patch Author
`;

test('a thread page saved as text is tied by its overview, and its messages are without ids', async () => {
  const { messages } = await readPage(TEXT_THREAD);
  expect(messages.map(message => [message.messageId, message.inReplyTo, message.kind])).toEqual([
    ['message-1', null, 'patch'],
    ['message-2', 'message-1', 'reply'],
    ['message-3', 'message-2', 'reply'],
  ]);
  expect(problemsOf(messages[0] as never)).toEqual(['the page does not show the address of the sender', 'the page does not show its Message-ID']);
});

test('comments on a thread page find their lines', async () => {
  const { comments, series } = await readInput(TEXT_THREAD);
  expect(comments).toMatchObject([{ patch: 'message-1', path: 'lib/pond.c', line: 6, text: 'Is dry ever set?' }]);
  expect(series).toMatchObject([{ patches: ['message-1'], complete: true }]);
});

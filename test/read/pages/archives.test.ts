import { expect, test } from 'vitest';
import { DIFF, escaped, filesOf, problemsOf, readOne } from './pages.ts';

const LOG = 'Check the level.\n\nSigned-off-by: Patch Author <ada at example.org>\n---\n';
const PIPERMAIL = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN">
<HTML>
 <HEAD>
   <TITLE> [ponds] [PATCH] pond: check the level
   </TITLE>
   <LINK REL="Index" HREF="index.html" >
   <style type="text/css">
       pre { white-space: pre-wrap; }
   </style>
 </HEAD>
 <BODY BGCOLOR="#ffffff">
   <H1>[ponds] [PATCH] pond: check the level</H1>
    <B>Patch Author</B>
    <A HREF="mailto:ponds%40example.org?Subject=Re%3A%20SUBJECT&In-Reply-To=%3C2%40example.org%3E"
       TITLE="[ponds] [PATCH] pond: check the level">ada at example.org
       </A><BR>
    <I>Tue Jan  2 10:00:00 CET 2024</I>
    <P><UL>
        <LI>Previous message (by thread): <A HREF="1.html">an older one</A></li>
         <LI> <B>Messages sorted by:</B>
              <a href="date.html#2">[ date ]</a>
       </UL>
    <HR>
<!--beginarticle-->
<PRE>TEXT_HERE</PRE>

<!--endarticle-->
    <HR>
<a href="https://example.org/listinfo/ponds">More information about the ponds
mailing list</a><br>
</body></html>`;

test('a page of pipermail gives its message, with the id that its link shows', async () => {
  const message = await readOne(PIPERMAIL.replace('SUBJECT', '%5BPATCH%5D').replace('TEXT_HERE', escaped(LOG + DIFF)));
  expect(message).toMatchObject({
    messageId: '2@example.org',
    kind: 'patch',
    title: 'pond: check the level',
    from: { name: 'Patch Author', address: 'ada@example.org' },
    date: '2024-01-02T09:00:00Z',
    patch: { recovered: false, trailers: [{ key: 'Signed-off-by', value: 'Patch Author <ada@example.org>' }] },
  });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)).toEqual(['the page masks addresses (`user at host`); those of the sender and in trailers are put together again']);
});

test('a reply on a page of pipermail has the `Re:` that only its link shows', async () => {
  const subject = 'Re%3A%20%5Bponds%5D%20%5BPATCH%5D%20pond%3A%20check%20the%20level';
  const message = await readOne(PIPERMAIL.replace('SUBJECT', subject).replace('TEXT_HERE', 'Looks fine.\n'));
  expect(message).toMatchObject({ kind: 'reply', subject: 'Re: [ponds] [PATCH] pond: check the level' });
});

test('an attachment that pipermail took off is a problem', async () => {
  const scrubbed =
    'See below.\n-------------- next part --------------\nA non-text attachment was scrubbed...\nName: a.patch\nURL: &lt;<A HREF="x">x</A>&gt;\n';
  const message = await readOne(PIPERMAIL.replace('TEXT_HERE', scrubbed));
  expect(message.body).toBe('See below.\n');
  expect(problemsOf(message)).toContain('the page does not show an attachment');
});

/** A reply with the diff as its quote, white space folded, as text extractors leave it. */
const quoted = (diff: string) => `[PATCH v3] pond: check the level
Kernel Reviewer
ben.marsh at example.org
Tue Jan 2 11:00:00 PST 2024
On 02/01/24 9:48 AM, Patch Author wrote:
> Check the level.
>
> Signed-off-by: Patch Author <ada at example.org>
> ---
${diff
  .replace(/\n$/, '')
  .split('\n')
  .map(line => `> ${line.replace(/^([+-]?)\s+/, '$1 ')}`.trimEnd())
  .join('\n')}
Is dry ever set?
More information about the ponds
mailing list
`;

test('a patch that is only quoted is recovered, and what is uncertain is said', async () => {
  const message = await readOne(quoted(DIFF));
  expect(message).toMatchObject({
    kind: 'reply',
    from: { name: 'Kernel Reviewer', address: 'ben.marsh@example.org' },
    date: '2024-01-02T19:00:00Z',
    patch: { recovered: true, version: 3, author: { name: 'Patch Author', address: 'ada@example.org' }, log: 'Check the level.' },
  });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message).at(-1)).toMatch(/^the patch is put together from the lines that are quoted/);
});

test('comments between the quoted lines are left out, and joined lines parted where the counts ask for it', async () => {
  const page = quoted(DIFF).replace('> int level;', '> int level;\nWhy int?').replace('!p->dry)\n> + return', '!p->dry)> + return');
  expect(page).toContain('dry)> +');
  const message = await readOne(page);
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message).at(-1)).toContain('lines that were joined are parted again in the hunk of lib/pond.c');
});

test('a hunk that is quoted in part is read as far as it goes', async () => {
  const message = await readOne(quoted(DIFF.slice(0, DIFF.indexOf(' \treturn level;'))));
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message).at(-1)).toContain('the lines do not come out at the 7 old and 8 new ones in the hunk of lib/pond.c');
});

const HYPERMAIL = `<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN">
<html><head><title>Pond Archive: [PATCH] pond: check the level</title></head><body>
<h1>[PATCH] pond: check the level</h1>
<!-- received="Tue Jan  2 10:00:00 2024" -->
<!-- sent="Tue, 2 Jan 2024 10:00:00 +0100" -->
<!-- name="Patch Author" -->
<!-- email="ada_at_example.org" -->
<!-- subject="[PATCH] pond: check the level" -->
<!-- id="2@example.org" -->
<!-- inreplyto="1@example.org" -->
<strong>From:</strong> Patch Author (<em>ada_at_[hidden]</em>)<br>
<hr>
<!-- body="start" -->
BODY
<!-- body="end" -->
<hr><ul><li>Next message: <a href="3.html">x</a></ul></body></html>`;

test.each([
  ['preformatted', (text: string) => `<pre>\n${text}</pre>`],
  ['written with <br>', (text: string) => `<p>\n${text.replaceAll('\n', '<br>\n')}`],
])('a page of hypermail gives its message, its body %s', async (_how, form) => {
  const message = await readOne(HYPERMAIL.replace('BODY', form(escaped(LOG.replace(' at ', '_at_') + DIFF))));
  expect(message).toMatchObject({ messageId: '2@example.org', inReplyTo: '1@example.org', kind: 'patch', date: '2024-01-02T09:00:00Z' });
  expect(message.from).toEqual({ name: 'Patch Author', address: 'ada@example.org' });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)).toEqual(['the page masks addresses']);
});

test('a page of MHonArc gives its message', async () => {
  const message = await readOne(`<!-- MHonArc v2.6.16 -->
<!--X-Subject: [PATCH] pond: check the level -->
<!--X-From-R13: Cngpu Nhgube <nqnNrknzcyr.bet> -->
<!--X-Date: Tue, 2 Jan 2024 10:00:00 +0100 -->
<!--X-Message-Id: 2@example.org -->
<!--X-Reference: 0@example.org -->
<!--X-Reference: 1@example.org -->
<!--X-Head-End-->
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML//EN">
<html><head><title>x</title></head><body>
<!--X-Head-of-Message-->
<ul><li><em>From</em>: Patch Author &lt;<a href="mailto:ada@xxxxxxxxxxx">ada@xxxxxxxxxxx</a>&gt;</li>
<li><em>Date</em>: Tue, 2 Jan 2024 10:00:00 +0100</li></ul>
<!--X-Head-of-Message-End-->
<!--X-Body-of-Message-->
<pre>
${escaped(LOG + DIFF)}</pre>
<!--X-Body-of-Message-End-->
</body></html>`);
  expect(message).toMatchObject({ messageId: '2@example.org', inReplyTo: '1@example.org', kind: 'patch' });
  expect(message.from?.name).toBe('Patch Author');
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)[0]).toBe('the page masks addresses');
});

test('a page of hypermail saved as text gives its message', async () => {
  const message = await readOne(`Re: [PATCH] pond: check the level
From: Kernel Reviewer
Date: Tue Jan 02 2024 - 09:26:03 EST

    Next message: Patch Author: "x"
    Messages sorted by: [ date ] [ thread ] [ subject ] [ author ]

Looks fine.

    Next message: Patch Author: "x"
    Messages sorted by: [ date ] [ thread ] [ subject ] [ author ]

This archive was generated by hypermail 2.2.0
`);
  expect(message).toMatchObject({ kind: 'reply', from: { name: 'Kernel Reviewer', address: '' }, date: '2024-01-02T14:26:03Z' });
  expect(problemsOf(message)).toEqual([
    'the page does not show the address of the sender',
    'the page shows neither its Message-ID nor what it answers',
  ]);
});

const WALL_HEAD = `Date: Tue, 2 Jan 2024 10:00:00 +0100
From: Patch Author <ada@...mple.org>
To: ponds@...mple.org,
        fish@...mple.org
Subject: [PATCH] pond: check the
 level
`;

test.each([
  [
    'as HTML',
    `\n<title>ponds - [PATCH] pond</title>\n<a href="1">[&lt;prev]</a> <a href=".">[day]</a> <a href="..">[month]</a> <a href="../..">[year]</a> <a href="../../..">[list]</a>\n<pre style="white-space: pre-wrap">\n${escaped(WALL_HEAD).replaceAll('@', '&#64;')}\n${escaped(LOG + DIFF)}</pre>\n<p><a href="x">Powered by blists</a> - <a href="y">more mailing lists</a>\n`,
  ],
  [
    'as text',
    `lists.example.org lists\n[<prev] [next>] [day] [month] [year] [list]\n${WALL_HEAD}\n${LOG}${DIFF}\nPowered by blists - more mailing lists\n`,
  ],
])('a page of Openwall saved %s gives its message', async (_how, page) => {
  const message = await readOne(page);
  expect(message).toMatchObject({ kind: 'patch', title: 'pond: check the level', from: { name: 'Patch Author', address: 'ada@...mple.org' } });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)).toContain('the page masks addresses (`user@...host`), also within the text');
});

const CGIT = `<!DOCTYPE html>
<html lang='en'><head><title>pond.git - ponds</title></head><body>
<div id='cgit'><table summary='commit info' class='commit-info'>
<tr><th>author</th><td>Patch Author &lt;ada@example.org&gt;</td><td class='right'>2024-01-02 10:00:00 +0100</td></tr>
<tr><th>committer</th><td>Kernel Reviewer &lt;ben@example.org&gt;</td><td class='right'>2024-01-03 10:00:00 +0100</td></tr>
<tr><th>commit</th><td colspan='2' class='oid'><a href='/c'>0123456789012345678901234567890123456789</a> (<a href='/p'>patch</a>)</td></tr>
<tr><th>tree</th><td colspan='2' class='oid'><a href='/t'>1123456789012345678901234567890123456789</a></td></tr>
</table>
<div class='commit-subject'>pond: check the level</div><div class='commit-msg'>Check the level.

Signed-off-by: Patch Author &lt;ada@example.org&gt;
</div><div class='diffstat-header'><a href='/d'>Diffstat</a></div><table summary='diffstat' class='diffstat'><tr><td class='mode'>-rw-r--r--</td><td class='upd'><a href='/x'>lib/pond.c</a></td><td class='right'>3</td></tr></table>
<div class='diffstat-summary'>1 files changed, 2 insertions, 1 deletions</div>
<table summary='diff' class='diff'><tr><td><div class='head'>DIFF</div></td></tr></table>
<div class='footer'>generated by <a href='/g'>cgit</a></div></div></body></html>`;

const CGIT_DIFF = escaped(DIFF.replace(/\n\n$/, '\n '))
  .split('\n')
  .map((line, at) =>
    at < 3
      ? `${line}<br/>`
      : at === 3
        ? `${line}</div>`
        : `<div class='${line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : line.startsWith('@') ? 'hunk' : 'ctx'}'>${line}</div>`,
  )
  .join('')
  .replace(/<\/div>$/, '');

test('a commit page of cgit gives the commit and its diff', async () => {
  const message = await readOne(CGIT.replace('DIFF', CGIT_DIFF));
  expect(message).toMatchObject({
    kind: 'patch',
    title: 'pond: check the level',
    date: '2024-01-02T09:00:00Z',
    from: { name: 'Patch Author', address: 'ada@example.org' },
    patch: { log: 'Check the level.', recovered: false },
  });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)).toEqual([]);
});

test('the same page saved as text gives the same', async () => {
  const message = await readOne(`index : pond.git
author	Patch Author <ada@example.org>	2024-01-02 10:00:00 +0100
committer	Kernel Reviewer <ben@example.org>	2024-01-03 10:00:00 +0100
commit	0123456789012345678901234567890123456789 (patch)
tree	1123456789012345678901234567890123456789
pond: check the level
Check the level.

Signed-off-by: Patch Author <ada@example.org>
Diffstat
-rw-r--r--	lib/pond.c	3	
1 files changed, 2 insertions, 1 deletions
${DIFF}generated by cgit
`);
  expect(message).toMatchObject({ kind: 'patch', title: 'pond: check the level', patch: { log: 'Check the level.', recovered: false } });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
});

test('a commit page without a diff is said to have none', async () => {
  const message = await readOne(`ponds/lib
Patch Author 0123456789 pond: check the level
Check the level.

Signed-off-by: Patch Author <ada@example.org>
2024-01-02 10:00:00 +01:00
..
pond.c pond: check the level 2024-01-02 10:00:00 +01:00
`);
  expect(message).toMatchObject({ kind: 'other', title: 'pond: check the level', date: '2024-01-02T09:00:00Z', patch: null });
  expect(message.body.trimEnd()).toBe('Check the level.\n\nSigned-off-by: Patch Author <ada@example.org>');
  expect(problemsOf(message)).toEqual(['the page does not show the address of the author', 'the page shows a commit without its diff']);
});

test('a commit page of GitHub gives what its title says', async () => {
  const message = await readOne(
    '<!DOCTYPE html><html><head><title>pond: check the level · example/ponds@0123456 · GitHub</title></head><body><p>nav</p><pre>Check it.</pre><table><tr><td>+ x</td></tr></table></body></html>',
  );
  expect(message).toMatchObject({ title: 'pond: check the level', patch: null, body: 'Check it.\n' });
  expect(problemsOf(message)).toContain('the page shows a commit without its diff');
});

test('a mail flattened to one line is read by the names of its headers', async () => {
  const message = await readOne(
    'Received: by mail.example.org with SMTP id x; Tue, 2 Jan 2024 01:00:00 -0800 (PST) DKIM-Signature: v=1; h=from:to:subject:date; b=abc MIME-Version: 1.0 References: <0@example.org> <1@example.org> In-Reply-To: <1@example.org> From: Kernel Reviewer Date: Tue, 2 Jan 2024 10:00:00 +0100 Message-ID: Subject: Re: [PATCH] pond: check the level To: Patch Author Cc: Fish , Frog Content-Type: text/plain; charset="UTF-8" Precedence: bulk List-ID: X-Mailing-List: ponds@example.org On Tue, Patch Author wrote: > Check. Note: fine. Cc: me next time. Ben',
  );
  expect(message).toMatchObject({
    kind: 'reply',
    title: 'pond: check the level',
    from: { name: 'Kernel Reviewer', address: '' },
    date: '2024-01-02T09:00:00Z',
    inReplyTo: '1@example.org',
    references: ['0@example.org', '1@example.org'],
  });
  expect(problemsOf(message)[0]).toMatch(/^all lines of the mail are joined into one/);
});

test('a page of no known archive is read as its text stands', async () => {
  const message = await readOne(`<html><head><title>a paste</title></head><body><p>Here:</p><pre>${escaped(DIFF)}</pre></body></html>`);
  expect(message).toMatchObject({ subject: 'a paste', kind: 'patch' });
  expect(filesOf(message)).toEqual(['2 1 lib/pond.c']);
  expect(problemsOf(message)[0]).toMatch(/^the page is of no archive that is known/);
});

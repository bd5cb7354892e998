import { describe, expect, test } from 'vitest';
import { DIFF, mail, numstat, patch, readOne, refusals } from './reading.ts';

const b64 = (text: string) =>
  Buffer.from(text)
    .toString('base64')
    .replace(/(.{76})/g, '$1\n');

describe('headers', () => {
  test('a folded subject keeps its words apart', async () => {
    expect((await readOne(mail({ Subject: '[PATCH v2 1/2] mm:\n\torder the read\n of the map' }, 'Text.\n'))).title).toBe(
      'mm: order the read of the map',
    );
  });

  test.each([
    ['=?UTF-8?Q?J=C3=B6rg_M=C3=BCller?= <j@example.org>', 'Jörg Müller', 'j@example.org'],
    ['=?utf-8?B?SsO2cmc=?= =?utf-8?q?_M?= <j@example.org>', 'Jörg M', 'j@example.org'],
    ['=?iso-8859-1?Q?J=F6rg?= <j@example.org>', 'Jörg', 'j@example.org'],
    ['=?koi8-r?B?6dfBzg==?= <j@example.org>', 'Иван', 'j@example.org'],
    ['=?gb2312?B?1cU=?= <j@example.org>', '张', 'j@example.org'],
    ['=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <j@example.org>', '山田', 'j@example.org'],
    ['"Doe, Jane" <jane@example.org>', 'Doe, Jane', 'jane@example.org'],
    ['jane@example.org (Jane Doe)', 'Jane Doe', 'jane@example.org'],
    ['Jane (the other) Doe <jane@example.org>', 'Jane (the other) Doe', 'jane@example.org'],
    ['jane@example.org', 'jane@example.org', 'jane@example.org'],
    [`${'x'.repeat(61)} <jane@example.org>`, 'jane@example.org', 'jane@example.org'],
  ])('From: %s', async (from, name, address) => {
    expect((await readOne(mail({ From: from }, 'Text.\n'))).from).toEqual({ name, address });
  });

  test('a character split over two encoded words survives', async () => {
    expect((await readOne(mail({ Subject: '=?utf-8?Q?[PATCH]_caf=C3?= =?utf-8?Q?=A9?=' }, 'Text.\n'))).title).toBe('café');
  });

  test('raw 8-bit headers are UTF-8 or ISO 8859-1', async () => {
    const text = mail({ From: 'J\xf6rg <j@example.org>', Subject: '[PATCH] caf\xc3\xa9' }, 'caf\xe9\n');
    const message = await readOne(text, { latin1: true });
    expect([message.from?.name, message.title, message.body]).toEqual(['Jörg', 'café', 'café\n']);
  });

  test('Message-ID, In-Reply-To and References stand without brackets', async () => {
    const message = await readOne(
      mail({ 'Message-ID': '<a@b>', 'In-Reply-To': '<c@d> (note)', References: '<e@f>\n <c@d>', Subject: 'Re: x' }, 'Text.\n'),
    );
    expect(message).toMatchObject({ messageId: 'a@b', inReplyTo: 'c@d', references: ['e@f', 'c@d'], kind: 'reply' });
  });

  test.each([
    ['Tue, 3 Mar 2026 10:00:00 +0100', '2026-03-03T09:00:00Z'],
    ['Sat, 29 Feb 2020 23:30:00 -0500 (EST)', '2020-03-01T04:30:00Z'],
    ['1 Jan 70 00:00 GMT', '1970-01-01T00:00:00Z'],
    ['Thu,  1 Jan 1998 12:00:00 EST', '1998-01-01T17:00:00Z'],
    ['2026-03-03 10:00:00 +0530', '2026-03-03T04:30:00Z'],
    ['Thu Jul 24 00:20:22 PDT 2025', '2025-07-24T07:20:22Z'],
    ['Thu Jul 24 00:20:22 2025 +0200', '2025-07-23T22:20:22Z'],
    ['Thu Jul 24 00:20:22 2025', '2025-07-24T00:20:22Z'],
    ['24 Jul 25 00:20 UT', '2025-07-24T00:20:00Z'],
    ['24 Jul 125 00:20:22 A', '2025-07-24T00:20:22Z'],
    ['24-Jul-2025 00:20:22 Z', '2025-07-24T00:20:22Z'],
    ['Thursday, July 24, 2025 3:04 PM', '2025-07-24T15:04:00Z'],
    ['20250724T002022+0200', '2025-07-23T22:20:22Z'],
    ['2025-07-24T00:20:22.123+02:00', '2025-07-23T22:20:22Z'],
    ['24.07.2025 00:20:22 CEST', '2025-07-23T22:20:22Z'],
    ['07/24/2025 00:20:22 -07', '2025-07-24T07:20:22Z'],
    ['Tue, 3 Mar 2026 10:00:00 +0100 (PST)', '2026-03-03T09:00:00Z'],
    ['Tue, 3 Mar 2026 10:00:00 (PST)', '2026-03-03T18:00:00Z'],
    ['1753312822 +0200', '2025-07-23T23:20:22Z'],
    ['Tue, 3 Mar 1969 10:00:00 +0000', null],
    ['yesterday', null],
    ['Tue, 3 Mar', null],
  ])('Date: %s', async (date, iso) => {
    expect((await readOne(mail({ Date: date }, 'Text.\n'))).date).toBe(iso);
  });
});

describe('bodies', () => {
  test('quoted-printable and base64 give the same patch as plain text', async () => {
    const body = `Größe.\n---\n${DIFF}`;
    const plain = await readOne(mail({}, body));
    const quoted = Buffer.from(body, 'utf8')
      .toString('latin1')
      .replace(/[=\x80-\xff]/g, char => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
      .replace(/^(.{60})(.)/gm, '$1=\n$2');
    expect(await readOne(mail({ 'Content-Type': 'text/plain; charset=utf-8', 'Content-Transfer-Encoding': 'quoted-printable' }, quoted))).toEqual(
      plain,
    );
    expect(await readOne(mail({ 'Content-Type': 'text/plain; charset="utf-8"', 'Content-Transfer-Encoding': 'base64' }, b64(body)))).toEqual(plain);
    expect(await readOne(mail({ 'Content-Transfer-Encoding': 'base64' }, b64(body.replace(/\n/g, '\r\n'))))).toMatchObject({
      patch: { files: plain.patch?.files },
    });
  });

  test.each([
    ['iso-8859-1', 'Gr\xf6\xdfe'],
    ['utf-8', Buffer.from('Größe').toString('latin1')],
    ['unknown-8bit', 'Gr\xf6\xdfe'],
    ['no-such-charset', Buffer.from('Größe').toString('latin1')],
  ])('charset %s', async (charset, bytes) => {
    const message = await readOne(mail({ 'Content-Type': `text/plain; charset=${charset}` }, `${bytes}\n`), { latin1: true });
    expect(message.body).toBe('Größe\n');
  });

  test('a charset that git cannot convert from makes git refuse the patch', async () => {
    expect(refusals(await readOne(patch('[PATCH] one', 'a@example.org', '', { 'Content-Type': 'text/plain; charset=unknown-8bit' })))).toEqual([
      'git cannot convert from unknown-8bit to UTF-8',
    ]);
    expect(refusals(await readOne(patch('[PATCH] one', 'a@example.org', '', { 'Content-Type': 'text/plain; charset=us-ascii' })))).toEqual([]);
  });

  describe('git converts the log alone, part by part and each from its own charset', () => {
    const ascii = { 'Content-Type': 'text/plain; charset=us-ascii' };
    const parts = (...all: [charset: string, text: string][]) =>
      mail(
        { 'Content-Type': 'multipart/mixed; boundary=b' },
        `${all.map(([charset, text]) => `--b\nContent-Type: text/plain; charset=${charset}\n\n${text}\n`).join('')}--b--\n`,
      );
    const added = DIFF.replace('smp_rmb();', 'smp_rmb(); /* Größe */');
    const refused = (charset: string) => [`git cannot convert from ${charset} to UTF-8`];

    // What `git mailinfo` 2.39.5 does with each.
    test.each([
      ['the log', mail(ascii, `Größe\n---\n${DIFF}`), refused('us-ascii')],
      ['the log, encoded', mail({ ...ascii, 'Content-Transfer-Encoding': 'base64' }, b64(`Größe\n---\n${DIFF}`)), refused('us-ascii')],
      ['the line that ends the log', mail(ascii, `Log.\nIndex: Größe\n${DIFF}`), refused('us-ascii')],
      ['notes below the log', mail(ascii, `Log.\n---\nGröße\n\n${DIFF}`), []],
      ['an in-body header', mail(ascii, `From: Größe <author@example.org>\n\nLog.\n---\n${DIFF}`), []],
      ['the diff', mail(ascii, `Log.\n---\n${added}`), []],
      ['the signature', mail(ascii, `Log.\n---\n${DIFF}-- \nGröße\n`), []],
      ['a log in UTF-8 before a diff in ASCII', parts(['utf-8', 'Größe\n---'], ['us-ascii', DIFF]), []],
      ['a log in UTF-8 before a diff that is no ASCII', parts(['utf-8', 'Größe'], ['us-ascii', added]), []],
      ['a log in ASCII that is none, before a diff in UTF-8', parts(['us-ascii', 'Größe'], ['utf-8', DIFF]), refused('us-ascii')],
      ['a footer in a charset nobody knows', parts(['utf-8', `Log.\n---\n${DIFF}`], ['no-such-charset', 'Größe']), []],
      ['a second part of the log in a charset nobody knows', parts(['utf-8', 'Log.'], ['no-such-charset', DIFF]), refused('no-such-charset')],
      ['a sender', mail({ From: '=?us-ascii?q?Gr=C3=B6=C3=9Fe?= <author@example.org>' }, `Log.\n---\n${DIFF}`), refused('us-ascii')],
    ])('8-bit characters in %s', async (_, text, expected) => {
      for (const bytes of [text, Buffer.from(text, 'latin1')]) expect(refusals(await readOne(bytes))).toEqual(expected);
    });

    test.each([
      ['cp367', 'Log.', true],
      ['cp367', 'Gr\xf6\xdfe', false],
      ['cp850', 'Gr\x94\xe1e', true],
      ['big5-hkscs', 'Log.', true],
      ['euc-kr', 'Gr\xf6\xdfe', true],
      ['euc-jp', 'Gr\xf6e', false],
      ['8bit', 'Log.', false],
      ['x-unknown', 'Log.', false],
      ['ks_c_5601-1987', 'Log.', false],
      ['utf8', 'Gr\xf6\xdfe', true],
      ['', 'Gr\xf6\xdfe', true],
    ])('by iconv’s names: %s with %j', async (charset, log, reads) => {
      const text = mail({ 'Content-Type': `text/plain; charset=${charset}` }, `${log}\n---\n${DIFF}`);
      expect(refusals(await readOne(text, { latin1: true }))).toEqual(reads ? [] : refused(charset));
    });
  });

  test('format=flowed is undone for the diff', async () => {
    const stuffed = DIFF.replace(/^ $/m, '')
      .replace(/^ /gm, '  ')
      .replace('find_first_zero_bit(p->map, p->size);', 'find_first_zero_bit(p->map, \np->size);');
    const message = await readOne(mail({ 'Content-Type': 'text/plain; charset=utf-8; format=flowed' }, `Log.\n---\n${stuffed}-- \n2.45.0\n`));
    expect(refusals(message)).toEqual([]);
    expect(message.patch?.files[0]?.hunks[0]?.lines.map(line => line.text)).toContain('\tbit = find_first_zero_bit(p->map, p->size);');
  });

  test('DelSp takes the space of a soft line break', async () => {
    const message = await readOne(
      mail(
        { 'Content-Type': 'text/plain; format=flowed; delsp=yes' },
        `Log.\n---\n${DIFF.replace(/^ $/m, '').replace(/^ /gm, '  ').replace('smp_rmb();', 'smp_ \nrmb();')}`,
      ),
    );
    expect(message.patch?.files[0]?.hunks[0]?.lines[3]?.text).toBe('\tsmp_rmb();');
  });

  test('in-body From, Subject and Date count where there is a patch', async () => {
    const body = `From: Real Author <real@example.org>\nSubject: [PATCH] the real\n title\n\nLog.\n---\n${DIFF}`;
    const message = await readOne(mail({}, body));
    expect(message.patch).toMatchObject({ title: 'the real title', author: { name: 'Real Author', address: 'real@example.org' }, log: 'Log.' });
    expect(message.from?.address).toBe('author@example.org');
    expect((await readOne(mail({}, body.slice(0, body.indexOf('---'))))).title).toBe('mm: order the read');
  });

  test('the log has no trailers in it, and trailers keep their order', async () => {
    const { patch: read } = await readOne(
      mail(
        {},
        `Why.\n\nAnd how: so.\n\nFixes: 123456789abc ("mm: first")\nSigned-off-by: A <a@example.org>\n[b: reworded]\nSigned-off-by: B\n <b@example.org>\n---\n${DIFF}`,
      ),
    );
    expect(read?.log).toBe('Why.\n\nAnd how: so.');
    expect(read?.trailers).toEqual([
      { key: 'Fixes', value: '123456789abc ("mm: first")' },
      { key: 'Signed-off-by', value: 'A <a@example.org>' },
      { key: 'Signed-off-by', value: 'B <b@example.org>' },
    ]);
  });
});

describe('mails of several parts', () => {
  const parts = (type: string, ...bodies: string[]) =>
    mail({ 'MIME-Version': '1.0', 'Content-Type': `${type}; boundary="=-b"` }, `${bodies.map(body => `--=-b\n${body}`).join('\n')}\n--=-b--\n`);

  test('an attached patch is read behind the text', async () => {
    const message = await readOne(
      parts(
        'multipart/mixed',
        'Content-Type: text/plain\n\nThe log.\n',
        `Content-Type: text/x-patch\nContent-Disposition: attachment; filename=a.patch\nContent-Transfer-Encoding: base64\n\n${b64(DIFF)}`,
      ),
    );
    expect(numstat(message)).toEqual(['1\t0\tmm/pool.c']);
    expect(message.patch?.log).toBe('The log.');
  });

  test('a signed patch is read, its signature is not', async () => {
    const message = await readOne(
      parts(
        'multipart/signed; protocol="application/pgp-signature"',
        `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nLog.\n---\n${DIFF.replace(/=/g, '=3D')}`,
        'Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----',
      ),
    );
    expect([numstat(message), refusals(message)]).toEqual([['1\t0\tmm/pool.c'], []]);
  });

  test('of an HTML alternative the plain text is read', async () => {
    const message = await readOne(
      parts('multipart/alternative', 'Content-Type: text/plain\n\nPlain words.', 'Content-Type: text/html\n\n<p>HTML <b>words</b>.</p>'),
    );
    expect(message.body.trim()).toBe('Plain words.');
  });

  test('HTML alone is read without its tags', async () => {
    const message = await readOne(parts('multipart/mixed', 'Content-Type: text/html\n\n<p>Less &lt; <b>more</b>.</p>'));
    expect(message.body.trim()).toBe('Less < more.');
  });

  test('a boundary right behind the headers of an inner multipart is missed, as git misses it', async () => {
    const inner = `Content-Type: multipart/mixed; boundary="=-i"\n\n--=-i\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nLog.\n---\n${DIFF.replace('p->size);', 'p->=\nsize);')}\n--=-i--\n`;
    expect(refusals(await readOne(parts('multipart/signed', inner)))).toEqual([expect.stringMatching(/^corrupt patch/)]);
    expect(refusals(await readOne(parts('multipart/signed', inner.replace('\n\n--=-i', '\n\n\n--=-i'))))).toEqual([]);
  });

  test('a multipart nobody can read is a problem of its mail', async () => {
    const message = await readOne(
      mail({ 'Content-Type': 'multipart/mixed; boundary=b' }, Array.from({ length: 1200 }, () => '--b\nContent-Type: text/plain\n\nx\n').join('')),
    );
    expect(message.problems.length).toBeGreaterThan(0);
  });
});

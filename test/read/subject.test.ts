import { describe, expect, test } from 'vitest';
import { cleanTitle, readSubject } from '../../src/read/subject.ts';

describe('subjects', () => {
  test.each([
    ['[PATCH] mm: x', ['PATCH'], 1, null, null, 'mm: x'],
    ['[RFC PATCH net-next v3 02/17] net: x', ['RFC', 'PATCH', 'net-next'], 3, 2, 17, 'net: x'],
    ['[PATCH 2/3 v2] mm: x', ['PATCH'], 2, 2, 3, 'mm: x'],
    ['[PATCHv4 1/2] mm: x', ['PATCH'], 4, 1, 2, 'mm: x'],
    ['[PATCH][RFC][v2] mm: x', ['PATCH', 'RFC'], 2, null, null, 'mm: x'],
    ['[PATCH [resend] v2, 1/2] mm: x', ['PATCH', 'resend'], 2, 1, 2, 'v2, 1/2] mm: x'],
    ['[PATCH 0/0] mm: x', ['PATCH'], 1, 0, 0, 'mm: x'],
    ['[PATCH 1/99999] mm: x', ['PATCH', '1/99999'], 1, null, null, 'mm: x'],
    ['mm: [not a prefix] x', [], 1, null, null, 'mm: [not a prefix] x'],
    ['[unclosed mm: x', [], 1, null, null, '[unclosed mm: x'],
  ])('%s', (subject, prefixes, version, index, total, title) => {
    expect(readSubject(subject)).toMatchObject({ numbering: { prefixes, version, index, total }, title, reply: false });
  });

  test.each(['Re: [PATCH 1/2] x', 'RE: x', 'Fwd: x', 'AW: [PATCH] x', 'Re[2]: x'])('%s answers another', subject => {
    expect(readSubject(subject).reply).toBe(true);
  });

  test.each(['reiserfs: x', 'mm: [foo]', 'Regression: x', 'ext4: [PATCH] x', '回复: [PATCH 1/2] x'])('%s does not by itself', subject => {
    expect(readSubject(subject).reply).toBe(false);
  });

  test.each(['回复: [PATCH 1/2] x', '答复: 答复: [PATCH] x', 'mm: [foo]'])('%s does where the mail has a parent', subject => {
    expect(readSubject(subject, true).reply).toBe(true);
  });

  test('the brackets of an answer are read as well', () => {
    expect(readSubject('Re: Re: [PATCH v2 3/4] x').numbering).toEqual({ prefixes: ['PATCH'], version: 2, index: 3, total: 4 });
  });

  test.each([
    ['Re: [PATCH] Re: [x] y', 'y'],
    ['  : re:Re: y', 'y'],
    ['re', 're'],
    ['[a [b] c] y', 'c] y'],
    ['[PATCH]', ''],
  ])('git cleans %s to %s', (subject, title) => {
    expect(cleanTitle(subject)).toBe(title);
  });
});

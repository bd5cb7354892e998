import { describe, expect, test } from 'vitest';
import { imagesOf } from '../../../src/c/text/images.ts';
import type { Patch } from '../../../src/model/series.ts';
import { hunkPatch, patchOf } from '../../code.ts';

const PATH = 'a.c';
const last = (patches: Patch[], path = PATH) => imagesOf(patches).history.get(path)?.at(-1);

describe('a file that the series brings', () => {
  const first = patchOf({ [PATH]: 'one\ntwo\nthree\n' });
  test('is whole, and each line knows its patch', () => {
    const image = last([first, hunkPatch(PATH, '', 1, ' one\n-two\n+2\n three')]);
    expect(image?.whole).toBe(true);
    expect(image?.pieces[0]?.lines).toEqual(['one', '2', 'three']);
    expect(image?.pieces[0]?.origin).toEqual([0, 1, 0]);
    expect(image?.addedBy).toBe(0);
  });
  test('falls back to pieces where a later hunk does not fit', () => {
    const image = last([first, hunkPatch(PATH, '', 1, ' one\n-zwei\n+2\n three')]);
    expect(image?.whole).toBe(false);
  });
  test('keeps every state, oldest first', () => {
    expect(
      imagesOf([first, hunkPatch(PATH, '', 1, ' one\n+1.5\n two')])
        .history.get(PATH)
        ?.map(i => i.pieces[0]?.lines.length),
    ).toEqual([3, 4]);
  });
  test('moves with a rename', () => {
    const renamed = patchOf({});
    renamed.files = [{ path: 'b.c', oldPath: PATH, change: 'rename', added: 0, removed: 0, binary: false, hunks: [] }];
    const { history } = imagesOf([first, renamed]);
    expect(history.has(PATH)).toBe(false);
    expect(history.get('b.c')?.at(-1)).toMatchObject({ whole: true, path: 'b.c' });
  });
  test('is gone once deleted', () => {
    const gone = patchOf({});
    gone.files = [{ path: PATH, change: 'delete', added: 0, removed: 3, binary: false, hunks: [] }];
    expect(imagesOf([first, gone]).history.has(PATH)).toBe(false);
  });
});

describe('a file known in pieces', () => {
  test('has a piece for each hunk, in the lines of the new file', () => {
    expect(last([hunkPatch(PATH, 'int f(void)', 10, ' a\n-b\n+c\n+d\n e')])?.pieces).toMatchObject([
      { firstLine: 10, lines: ['a', 'c', 'd', 'e'], origin: [null, 0, 0, null], section: 'int f(void)' },
    ]);
  });
  test('an earlier piece moves by what a later patch adds above it', () => {
    const image = last([hunkPatch(PATH, 's', 50, ' a\n+b\n c'), hunkPatch(PATH, 't', 10, ' x\n+y\n+z\n w')]);
    expect(image?.pieces.map(p => [p.firstLine, p.lines.length])).toEqual([
      [10, 4],
      [52, 3],
    ]);
  });
  test('an earlier piece that a later patch changes carries that change', () => {
    const image = last([hunkPatch(PATH, 's', 50, ' a\n+b\n c\n d\n e'), hunkPatch(PATH, 's', 51, ' b\n-c\n+C\n d')]);
    expect(image?.pieces).toHaveLength(1);
    expect(image?.pieces[0]).toMatchObject({ firstLine: 50, lines: ['a', 'b', 'C', 'd', 'e'], origin: [null, 0, 1, null, null] });
  });
  test('pieces that a later patch joins become one', () => {
    const image = last([hunkPatch(PATH, 's', 50, ' a\n+b\n c'), hunkPatch(PATH, 's', 52, ' c\n+d\n e\n f')]);
    expect(image?.pieces).toHaveLength(1);
    expect(image?.pieces[0]).toMatchObject({ firstLine: 50, lines: ['a', 'b', 'c', 'd', 'e', 'f'], origin: [null, 0, null, 1, null, null] });
  });
});

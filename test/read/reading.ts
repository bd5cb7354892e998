import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parseMime } from '../../src/cli/mime.ts';
import type { Message, Thread } from '../../src/model/series.ts';
import { type ReadOptions, type ReadTools, readThread } from '../../src/read/index.ts';

export const tools: ReadTools = {
  parseMime,
  async *gunzip(bytes) {
    const packed = Readable.from(bytes);
    const plain = createGunzip();
    packed.on('error', error => plain.destroy(error));
    yield* packed.pipe(plain);
  },
};

/** The bytes in chunks of the given size, so that a chunk can end anywhere. */
export async function* chunks(bytes: Uint8Array, size = 1 << 16): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Reads a text, or bytes written as characters of the same code (`latin1`). */
export function read(text: string | Uint8Array, options: ReadOptions & { size?: number; latin1?: boolean } = {}): Promise<Thread> {
  const bytes = typeof text === 'string' ? Buffer.from(text, options.latin1 ? 'latin1' : 'utf8') : text;
  return readThread('input', chunks(bytes, options.size), tools, options);
}

/** The only message of a text. */
export async function readOne(text: string | Uint8Array, options: { latin1?: boolean } = {}): Promise<Message> {
  const { messages } = await read(text, options);
  const [message] = messages;
  if (!message || messages.length !== 1) throw new Error(`${messages.length} messages`);
  return message;
}

export const DIFF = `diff --git a/mm/pool.c b/mm/pool.c
index 1111111..2222222 100644
--- a/mm/pool.c
+++ b/mm/pool.c
@@ -10,6 +10,7 @@ static int pool_take(struct pool *p)
 {
 	int bit;
 
+	smp_rmb();
 	bit = find_first_zero_bit(p->map, p->size);
 	if (bit >= p->size)
 		return -ENOSPC;
`;

/** A mail; headers as given replace or add to the usual ones. */
export function mail(headers: Record<string, string>, body: string): string {
  const all: Record<string, string> = {
    From: 'Patch Author <author@example.org>',
    Date: 'Tue, 3 Mar 2026 10:00:00 +0100',
    'Message-ID': '<1@example.org>',
    Subject: '[PATCH] mm: order the read',
    ...headers,
  };
  return `${Object.entries(all)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')}\n${body}`;
}

/** A patch mail `[PATCH n/m]` of a series, in answer to `parent`. */
export function patch(subject: string, id: string, parent = '', extra: Record<string, string> = {}, diff = DIFF): string {
  return mail(
    { Subject: subject, 'Message-ID': `<${id}>`, 'In-Reply-To': parent && `<${parent}>`, ...extra },
    `What it does.\n\nSigned-off-by: Patch Author <author@example.org>\n---\n mm/pool.c | 1 +\n 1 file changed, 1 insertion(+)\n\n${diff}-- \n2.45.0\n\n`,
  );
}

export function reply(subject: string, id: string, parent: string, body: string, extra: Record<string, string> = {}): string {
  return mail({ From: 'Reviewer <reviewer@example.org>', Subject: subject, 'Message-ID': `<${id}>`, 'In-Reply-To': `<${parent}>`, ...extra }, body);
}

/** Mails as public-inbox puts them in one file. */
export function mbox(...mails: string[]): string {
  return mails
    .map(text => `From mboxrd@z Thu Jan  1 00:00:00 1970\n${text.replace(/^(>*From )/gm, '>$1').replace(/^>From: /m, 'From: ')}\n`)
    .join('');
}

/** The files of a patch as git's numstat shows them. */
export function numstat(message: Message | undefined): string[] {
  return (message?.patch?.files ?? []).map(file => (file.binary ? `-\t-\t${file.path}` : `${file.added}\t${file.removed}\t${file.path}`));
}

/** What was refused of a message, one line each. */
export function refusals(message: Message | undefined): string[] {
  return [...(message?.problems ?? []), ...(message?.patch?.problems ?? [])]
    .filter(problem => problem.severity === 'refused')
    .map(problem => problem.message);
}

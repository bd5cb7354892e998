import { gunzipSync } from 'node:zlib';
import type { Message, Thread } from '../../../src/model/series.ts';
import { readThread } from '../../../src/read/index.ts';
import type { ReadTools } from '../../../src/read/mail.ts';
import { pagesOf } from '../../../src/read/pages/index.ts';

/** What the reader is lent here: no page needs a MIME tree. */
export const tools: ReadTools = {
  parseMime: () => Promise.reject(new Error('no tree here')),
  async *gunzip(bytes) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    yield new Uint8Array(gunzipSync(Buffer.concat(chunks)));
  },
};

/** The messages of one document, and whether it was taken for a page. */
export async function readPage(document: string | Uint8Array): Promise<{ isPage: boolean; messages: Message[] }> {
  const bytes = typeof document === 'string' ? new TextEncoder().encode(document) : document;
  const parts = pagesOf({ bytes, dropped: 0 }, 1);
  const { messages } = await readInput(bytes);
  return { isPage: parts.every(part => part.letter !== null), messages };
}

/** The only message of a page. */
export async function readOne(document: string): Promise<Message> {
  const { isPage, messages } = await readPage(document);
  const [message] = messages;
  if (!isPage || !message || messages.length !== 1) throw new Error(`${isPage ? 'a page' : 'no page'} of ${messages.length} messages`);
  return message;
}

/** A document read as an input of its own. */
export function readInput(document: string | Uint8Array): Promise<Thread> {
  const bytes = typeof document === 'string' ? new TextEncoder().encode(document) : document;
  return readThread(
    'input',
    (async function* () {
      yield bytes;
    })(),
    tools,
  );
}

/** What is wrong with a message and its patch, as words. */
export function problemsOf(message: Message): string[] {
  return [...message.problems, ...(message.patch?.problems ?? [])].map(problem => problem.message);
}

/** `added removed path` of each file. */
export function filesOf(message: Message | undefined): string[] {
  return (message?.patch?.files ?? []).map(file => `${file.added} ${file.removed} ${file.path}`);
}

/** The patch that the pages of these tests show. */
export const DIFF = `diff --git a/lib/pond.c b/lib/pond.c
index 1111111..2222222 100644
--- a/lib/pond.c
+++ b/lib/pond.c
@@ -3,7 +3,8 @@ int pond_fill(struct pond *p)
 {
 	int level;
 
-	level = p->level;
+	if (p->level < 0 && !p->dry)
+		return -EINVAL;
 	return level;
 }
 
`;

/** Text as HTML writes it. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Bounds on what one input may make the reader hold or do. Past each stands a problem that names it; mail is untrusted. */

/** Bytes of one mail; the kernel's largest patches are a few MB. What follows is left unread. */
export const MAX_MAIL_BYTES = 64 << 20;
/** Bytes of one mail's header block, as mailparser has it; the rest of the block is taken for body. */
export const MAX_HEADER_BYTES = 1 << 20;
/** Characters of one header's value that are decoded; References of long threads stay far below. */
export const MAX_HEADER_VALUE = 64 << 10;
/** Encoded words (RFC 2047) in one header. */
export const MAX_ENCODED_WORDS = 1000;
/** Depth of multiparts in multiparts; git mailinfo stops at 5 boundaries. */
export const MAX_MIME_DEPTH = 20;
/** Leaf parts of one mail. */
export const MAX_MIME_PARTS = 200;
/** Bytes that one compressed input may grow to for each byte of it, once past a first allowance. */
export const MAX_GZIP_RATIO = 200;
export const GZIP_ALLOWANCE = 16 << 20;
/** Files that one diff may touch. */
export const MAX_FILES = 20_000;
/** The largest n and m of `[PATCH n/m]` that is taken for a number of patches. */
export const MAX_SERIES = 2000;
/** Prerequisites that one series may name. */
export const MAX_PREREQUISITES = 1000;
/** Comments taken from one reply, and characters of each. */
export const MAX_COMMENTS = 500;
export const MAX_COMMENT_LENGTH = 20_000;
/** References of one mail; older ones are dropped, as In-Reply-To and the latest are what ties a thread. */
export const MAX_REFERENCES = 200;
/** Marks of quoting on one line. */
export const MAX_QUOTES = 40;
/** Messages through which a reply that quotes a patch waits for the mail of it, before the next is looked for. */
export const MAX_WAIT = 4096;
/** Replies on replies that are followed up to the patch they answer. */
export const MAX_REPLY_DEPTH = 200;
/** Characters of diffs, and of replies that wait for theirs, that are held when the texts themselves are not wanted. */
export const MAX_HELD = 8 << 20;
/** Postings of one patch that share the trailers given to any of them. */
export const MAX_POSTINGS = 100;

/** Bounds on what one page may make the reader hold or do. Past each stands a problem that names it, or the page is taken as what it is without. */

/** Characters of a page that are looked at to know what it is. */
export const MAX_LOOK = 256 << 10;
/** Characters of a page that are read; a thread of a thousand mails stays far below. */
export const MAX_PAGE = 48 << 20;
/** Messages taken from one page. */
export const MAX_LETTERS = 5000;
/** Lines of a message's head on a page: Cc lists are folded, and a thread page shows the neighbours there. */
export const MAX_HEAD_LINES = 1000;
/** Characters of an entity with its marks; the longest name in use has 31. */
export const MAX_ENTITY = 40;
/** Links and comments that are remembered of one page. */
export const MAX_LINKS = 500_000;
/** Depth of blocks within blocks whose white space is kept. */
export const MAX_BLOCK_DEPTH = 500;
/** Characters of a header's value that a page gives. */
export const MAX_VALUE = 32 << 10;
/** Characters of a mail flattened to one line that are searched for its headers. */
export const MAX_FLAT_HEAD = 128 << 10;

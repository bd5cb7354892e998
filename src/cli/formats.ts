/** The formats that few runs ask for; a file of its own, loaded only then. */
export { b4Checks, b4Lines, mailDrafts, raisedLine } from '../index.ts';

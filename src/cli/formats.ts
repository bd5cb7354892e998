/** What few runs ask for; a file of its own, loaded only then. */
export { b4Checks, b4Lines, mailDrafts, raisedLine } from '../index.ts';
export { b4AgentCommand } from './b4agent.ts';

/** fencepost as a library: everything but files, arguments and the terminal. */

export { rules } from '../rules/index.ts';
export { whyHeld } from './analysis/entry/why.ts';
export { viewOfText, viewOfThread } from './analysis/view.ts';
export { type Grammar, loadGrammar } from './c/syntax/tree.ts';
export type { Tree } from './c/text/images.ts';
export { currentRule } from './engine/config.ts';
export { contradictions, knowledgeOf } from './engine/knowledge.ts';
export { type ReviewOptions, review } from './engine/review.ts';
export { scan } from './engine/scan.ts';
export { builtIn, factOf } from './facts/lookup.ts';
export type {
  BinaryOp,
  Condition,
  Expression,
  FenceKind,
  LitmusSource,
  LitmusTest,
  LitmusThread,
  LitmusValue,
  Location,
  Observed,
  Outcome,
  Statement,
  SyntaxProblem,
  Tag,
  UpdateOp,
} from './lkmm/litmus.ts';
export { parseLitmus } from './lkmm/syntax.ts';
export { printLitmus } from './lkmm/text.ts';
export { BUDGET, decideTest } from './lkmm/verdict.ts';
export { herdWords, stateWords } from './lkmm/words.ts';
export type * from './model/code.ts';
export type * from './model/contract.ts';
export type * from './model/effect.ts';
export type * from './model/fact.ts';
export type * from './model/finding.ts';
export type * from './model/policy.ts';
export type * from './model/review.ts';
export type * from './model/rule.ts';
export type * from './model/series.ts';
export type * from './model/userfacts.ts';
export type * from './model/why.ts';
export { type MimeNode, type ReadTools, readThread } from './read/index.ts';
export { b4Checks, b4Lines } from './report/b4.ts';
export { b4Review, IDENTITY } from './report/b4review.ts';
export { coverageLine, foundLine, preExistingLine } from './report/coverage.ts';
export { eventsJson, eventsText } from './report/events.ts';
export { reviewJson } from './report/json.ts';
export { heldLines, lines, placeShown, refusals, type Shown } from './report/lines.ts';
export { mailDrafts, raisedLine } from './report/mail.ts';
export { notes } from './report/notes.ts';
export { explainFinding, explainRule, rulesJson, rulesText } from './report/rules.ts';
export { jsonText, safe } from './report/safe.ts';
export { threadJson, threadProblems, threadText } from './report/thread.ts';
export { whyText } from './report/why.ts';
export { CONTRACTS, contractLines, contractsIn, contractsOf } from './tree/contracts.ts';
export { linked } from './tree/links.ts';
export type * from './tree/record.ts';
export { recordOf } from './tree/records.ts';
export { contractOfRow } from './tree/rowtext.ts';
export { MEMBERS, STRUCTS, structLines, structsIn } from './tree/structs.ts';
export { openTable, type Packing, type Table, writeTable } from './tree/table.ts';

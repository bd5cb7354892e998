/** What a call does, by what its callee does: in the words and under the conditions of the caller. */
import type { Act, When } from '../model/contract.ts';
import { ALWAYS, SOME, sleepsWith } from './acts.ts';
import type { Call, RecordStep } from './record.ts';
import type { Summary } from './summary.ts';
import { isGiven, NONE, UNNAMED_PLACE, whereInCaller } from './where.ts';

/** Of globals that a callee touches the caller's row says sections alone. */
const OF_GLOBALS = new Set(['open', 'close', 'drop', 'hold']);

/** What a callee does on some path alone is said of its caller too where it sleeps, or where it may end or keep the very object that it is given. */
const FURTHER = new Set(['free', 'put', 'keep']);

function isFurther({ does, object, when }: Act): boolean {
  return when.on !== 'some' || does === 'sleep' || (FURTHER.has(does) && /^\d+$/.test(object));
}

export function instantiated({ call }: RecordStep, callee: Summary | null): Act[] {
  if (!call || !callee) return [];
  const found: Act[] = [];
  for (const one of callee.acts) {
    if (call.rest && one.does !== 'sleep') continue;
    const when = inCall(one.when, call);
    if (when === null) continue;
    if (!isFurther(one)) continue;
    const object = whereInCaller(one.object, call.args, call.result ? 'r' : UNNAMED_PLACE);
    const isKept = one.object === NONE || isGiven(object) || OF_GLOBALS.has(one.does);
    if (!isKept && one.does !== 'wait' && one.does !== 'quiesce') continue;
    if (object === UNNAMED_PLACE && (one.does === 'get' || one.does === 'put' || one.does === 'free' || one.does === 'keep')) continue;
    found.push({
      ...one,
      object: isKept ? object : UNNAMED_PLACE,
      more: one.more.map(m => whereInCaller(m, call.args, call.result ? 'r' : UNNAMED_PLACE)),
      when,
    });
  }
  return found;
}

/** When it happens in this call; null where it does not. */
function inCall(when: When, { args, texts }: Call): When | null {
  if (when.on === 'always' || when.on === 'some') return when;
  const sure = when.sure ? ALWAYS : SOME;
  const text = texts[when.argument];
  const given = /^\d+$/.exec(args[when.argument] ?? '')?.[0];
  if (when.on === 'gfp') {
    const sleeps = text === null || text === undefined ? null : sleepsWith(text);
    if (sleeps !== null) return sleeps ? sure : null;
    return given === undefined ? SOME : { ...when, argument: Number(given) };
  }
  if (text !== null && text !== undefined) {
    const holds = when.mask === null ? nonzero(text) : /^[\dA-Z_| ()x]+$/.test(text) ? new RegExp(`\\b${when.mask}\\b`).test(text) : null;
    if (holds !== null) return holds === (when.value === 'nonzero') ? sure : null;
  }
  return given === undefined ? SOME : { ...when, argument: Number(given) };
}

function nonzero(text: string): boolean | null {
  if (/^(?:0|0x0|NULL|false)$/.test(text)) return false;
  return /^(?:true|[1-9]\d*|0x[1-9a-fA-F]\w*)$/.test(text) ? true : null;
}

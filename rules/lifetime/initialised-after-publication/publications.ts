/** Calls that let others at an object. */
import { argumentAt, calleeIn, comesBefore, effectOfKind, keyOf } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { World } from '../../../src/model/rule.ts';

/** What a call lets others at. */
export interface Publication {
  /** The object as the function spells it. */
  object: string;
  /** Functions that may be called with it from now on; none where the object is put into a table. */
  handlers: string[];
  /** The table. */
  table: string | null;
}

/** What the call publishes: by registering a handler for it, by putting it into a table, or as a device of its own. */
export function publicationOf(fn: CFunction, event: Event, world: World): Publication | null {
  const published = effectOfKind(event, 'publish');
  if (published?.by === 'handler' && published.object === 0) return deviceOf(fn, event, world);
  const register = effectOfKind(event, 'register');
  if (register && (register.runner === 'irq' || (register.runner === 'kthread' && event.kind === 'wake'))) {
    const given = argumentAt(event, register.data) ?? '';
    // An interrupt that stays off until it is enabled, or a threaded handler alone, is as good as registered later.
    if (
      event.args.some(a => /NO_AUTOEN/.test(a)) ||
      !/^\w+(?:->\w+)?$/.test(given) ||
      fn.events.some(e => /^(?:enable_irq|irq_set_status_flags)$/.test(e.api))
    )
      return null;
    const named = [argumentAt(event, register.handler), argumentAt(event, register.thread)].find(
      a => a !== null && /^[a-z_]\w*$/.test(a) && a !== 'NULL',
    );
    return named ? { object: given.replace(/->/g, '.'), handlers: [named], table: null } : null;
  }
  if (published?.by === 'xarray' || published?.by === 'idr') {
    const given = argumentAt(event, published.object) ?? '';
    if (/^\w+$/.test(given) && given !== 'NULL' && event.cell) return { object: given, handlers: [], table: keyOf(event) };
  }
  return null;
}

/** A helper in view that puts what it is given into a table. */
export function throughHelper(fn: CFunction, call: Event, world: World): Publication | null {
  const helper = calleeIn(fn, call, world.functions);
  if (!helper || helper.path !== fn.path) return null;
  for (const event of helper.events) {
    const inner = publicationOf(helper, event, world);
    const position = inner?.table ? helper.parameters.findIndex(p => p.name === inner.object) : -1;
    const given = call.args[position];
    if (inner && given !== undefined && /^\w+$/.test(given)) return { ...inner, object: given };
  }
  return null;
}

/** A network device that anybody may open: the call gives the RTNL back itself. Its object is what lies behind it, or what holds it. */
function deviceOf(fn: CFunction, event: Event, world: World): Publication | null {
  const device = event.args[0] ?? '';
  const made = fn.events.find(e => e.fact?.pointer === 'private' && e.args[0] === device && comesBefore(fn, e, event));
  const object = made ? (made.into ?? fn.settings?.find(s => s.sources.includes(made.index))?.name) : /^(\w+)->\w+$/.exec(device)?.[1];
  if (object === undefined) return null;
  const handlers = world.functions.filter(f => f.path === fn.path && world.mentions(f).some(m => m.member?.startsWith('ndo_'))).map(f => f.name);
  return handlers.length > 0 ? { object, handlers, table: null } : null;
}

/** Calls that let others at an object. */
import { calleeIn, comesBefore, keyOf } from '../../../src/analysis/query.ts';
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

/** Which arguments of a registration are the handler and its object. */
const REGISTERS: readonly [RegExp, number, number][] = [
  [/^request_irq$/, 1, 4],
  [/^devm_request_irq$/, 2, 5],
  [/^request_threaded_irq$/, 1, 5],
  [/^devm_request_threaded_irq$/, 2, 6],
  [/^kthread_run$/, 0, 1],
];

/** Which argument of an insertion is the object. */
const INSERTS: readonly [RegExp, number][] = [
  [/^xa_(?:store|insert)(?:_irq|_bh)?$/, 2],
  [/^xa_alloc(?:_cyclic)?(?:_irq|_bh)?$/, 2],
  [/^idr_alloc(?:_cyclic|_u32)?$/, 1],
];

/** What the call publishes: by registering a handler for it, by putting it into a table, or as a device of its own. */
export function publicationOf(fn: CFunction, event: Event, world: World): Publication | null {
  if (event.api === 'register_netdev') return deviceOf(fn, event, world);
  for (const [name, handler, object] of REGISTERS) {
    if (!name.test(event.api)) continue;
    const given = event.args[object] ?? '';
    // An interrupt that stays off until it is enabled, or a threaded handler alone, is as good as registered later.
    if (
      event.args.some(a => /NO_AUTOEN/.test(a)) ||
      !/^\w+(?:->\w+)?$/.test(given) ||
      fn.events.some(e => /^(?:enable_irq|irq_set_status_flags)$/.test(e.api))
    )
      return null;
    const named = [event.args[handler], ...(/threaded/.test(name.source) ? [event.args[handler + 1]] : [])].find(
      a => a !== undefined && /^[a-z_]\w*$/.test(a) && a !== 'NULL',
    );
    return named === undefined ? null : { object: given.replace(/->/g, '.'), handlers: [named], table: null };
  }
  for (const [name, position] of INSERTS) {
    const given = event.args[position] ?? '';
    if (name.test(event.api) && /^\w+$/.test(given) && given !== 'NULL' && event.cell) return { object: given, handlers: [], table: keyOf(event) };
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
  const made = fn.events.find(e => e.api === 'netdev_priv' && e.args[0] === device && comesBefore(fn, e, event));
  const object = made ? (made.into ?? fn.settings?.find(s => s.sources.includes(made.index))?.name) : /^(\w+)->\w+$/.exec(device)?.[1];
  if (object === undefined) return null;
  const handlers = world.functions.filter(f => f.path === fn.path && world.mentions(f).some(m => m.member?.startsWith('ndo_'))).map(f => f.name);
  return handlers.length > 0 ? { object, handlers, table: null } : null;
}

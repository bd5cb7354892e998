/** Who runs a function: an interrupt, a timer, a work item, a system call, as far as its file registers it. */
import type { CFunction } from '../../model/code.ts';
import type { Mention, World } from '../../model/rule.ts';
import { callersOf } from './callers.ts';
import { maySleep } from './sleeping.ts';

/** hardirq: with interrupts off; softirq: over tasks; task: in process context. */
export type Role = 'hardirq' | 'softirq' | 'task';

/** For calls that register a handler: which argument, and who runs it. */
const REGISTERS: readonly [RegExp, number, Role][] = [
  [/^request_(?:threaded_|percpu_)?irq$|^irq_set_chained_handler$/, 1, 'hardirq'],
  [/^devm_request_(?:threaded_)?irq$|^pci_request_irq$/, 2, 'hardirq'],
  [/^request_threaded_irq$/, 2, 'task'],
  [/^devm_request_threaded_irq$|^pci_request_irq$/, 3, 'task'],
  [/^smp_call_function(?:_single|_many)?$|^on_each_cpu(?:_mask)?$/, 0, 'hardirq'],
  [/^(?:timer_setup(?:_on_stack)?|DEFINE_TIMER|tasklet_setup|DECLARE_TASKLET(?:_OLD)?|tasklet_init|open_softirq|call_rcu(?:_hurry)?)$/, 1, 'softirq'],
  [/^(?:netif_napi_add(?:_weight|_tx|_tx_weight|_config)?)$/, 2, 'softirq'],
  [
    /^__?(?:INIT_(?:DELAYED_|DEFERRABLE_)?WORK(?:_ONSTACK)?)$|^INIT_(?:DELAYED_|DEFERRABLE_|RCU_)?WORK(?:_ONSTACK)?$|^DECLARE_(?:DELAYED_)?WORK$|^kthread_init_(?:delayed_)?work$/,
    1,
    'task',
  ],
  [/^kthread_(?:run|create)(?:_on_cpu|_on_node)?$/, 0, 'task'],
  [/^(?:module_init|module_exit|(?:late|device|subsys|core|fs|arch)_initcall)$/, 0, 'task'],
  [/^(?:DEVICE_ATTR|DRIVER_ATTR|BUS_ATTR|CLASS_ATTR|SENSOR_DEVICE_ATTR|IIO_DEVICE_ATTR)\w*$/, 2, 'task'],
  [/^(?:DEVICE_ATTR|DRIVER_ATTR|SENSOR_DEVICE_ATTR|IIO_DEVICE_ATTR)\w*$/, 3, 'task'],
  [/^(?:DEFINE_(?:PROC_)?SHOW(?:_STORE)?_ATTRIBUTE|(?:DEVICE|DRIVER|CLASS|BUS)_ATTR_R[OW]|DEVICE_ATTR_WO)$/, 0, 'task'],
  [/^debugfs_create_\w+$|^DEFINE_(?:DEBUGFS|SIMPLE)_ATTRIBUTE$|^proc_create\w*$/, -1, 'task'],
];

/** Members of tables whose functions run in process context with interrupts on. */
const TASK_MEMBERS =
  /^(?:probe|remove|open|release|read|write|read_iter|write_iter|unlocked_ioctl|compat_ioctl|ioctl|llseek|mmap|poll|show|store|seq_show|suspend|resume|ndo_open|ndo_stop|ndo_set_mac_address|ndo_change_mtu|get_ethtool_stats|get_drvinfo|set_ringparam|threadfn|fallocate|fsync|setattr|mkdir|unlink|create|iterate_shared)$/;

const known = new WeakMap<World, Map<CFunction, Set<Role>>>();

/** Who runs the function, by where its file hands out its address. Empty where nothing tells. */
export function rolesOf(fn: CFunction, world: World): ReadonlySet<Role> {
  const kept = known.get(world) ?? new Map<CFunction, Set<Role>>();
  known.set(world, kept);
  const before = kept.get(fn);
  if (before) return before;
  const found = new Set<Role>();
  kept.set(fn, found);
  for (const mention of world.mentions(fn)) {
    const role = roleBy(mention, fn);
    // A timer of high resolution may be one that fires in softirq context; so is a handler that itself holds off bottom halves.
    const soft = role === 'hardirq' && (fn.events.some(e => /_bh$/.test(e.api)) || (mention.member === 'function' && startsSoft(fn, world)));
    if (role) found.add(soft ? 'softirq' : role);
  }
  return found;
}

/** Does the function run in a softirq, with bottom halves off: a handler that is registered so, or what a NAPI poll hands itself to? */
export function runsInSoftirq(fn: CFunction, world: World): boolean {
  return rolesOf(fn, world).has('softirq') || fn.parameters.some(p => /\bstruct napi_struct\b/.test(p.type));
}

function startsSoft(fn: CFunction, world: World): boolean {
  return world.functions.some(
    f => f.path === fn.path && f.events.some(e => e.api.startsWith('hrtimer_') && e.args.some(arg => arg.endsWith('_SOFT'))),
  );
}

function roleBy({ call, argument, member }: Mention, fn: CFunction): Role | null {
  if (member !== null) {
    if (member === 'function' && /\bhrtimer_restart\b/.test(fn.head)) return 'hardirq';
    return TASK_MEMBERS.test(member) ? 'task' : null;
  }
  if (call === null) return null;
  for (const [name, position, role] of REGISTERS) if ((position === argument || position < 0) && name.test(call)) return role;
  return null;
}

const DEEPEST = 3;

/** The handler by which an interrupt comes to run the function, through functions of the same file; null where none is in view. */
export function irqHandlerOf(fn: CFunction, world: World, depth = 0): CFunction | null {
  if (rolesOf(fn, world).has('hardirq')) return fn;
  if (depth >= DEEPEST) return null;
  for (const site of world.callers(fn.name)) {
    if (site.fn === fn || site.fn.path !== fn.path || site.event.opaque) continue;
    const handler = irqHandlerOf(site.fn, world, depth + 1);
    if (handler) return handler;
  }
  return null;
}

/** Does the function surely run in a task that may sleep: a work item, an operation of a file, or code that sleeps itself? */
export function runsInTask(fn: CFunction, world: World, depth = 0): boolean {
  const roles = rolesOf(fn, world);
  if (roles.has('hardirq') || roles.has('softirq')) return false;
  if (roles.has('task')) return true;
  if (fn.events.some(e => maySleep(e) && e.context.length === 0)) return true;
  if (depth >= DEEPEST) return false;
  const callers = callersOf(fn, world);
  return callers?.every(site => site.fn !== fn && runsInTask(site.fn, world, depth + 1)) ?? false;
}

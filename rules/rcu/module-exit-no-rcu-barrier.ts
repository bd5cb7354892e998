import { called, calleeIn, isTest } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'module-exit-no-rcu-barrier',
  title: 'A module passes its own function to call_rcu() and does not wait for it on unload',
  why: `
    call_rcu() runs its callback some time after the grace period. If the module is unloaded before that, the callback jumps into memory
    that no longer holds the function. Waiting for a grace period does not help: it does not wait for queued callbacks. rcu_barrier() does.
    kfree_rcu() needs none, since what it runs is not in the module. Outside the model, which has no unloading: reported by inspection.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['rcu-misuse', 'lifetime-teardown'],
  references: ['Documentation/RCU/rcubarrier.rst, Unloading Modules That Use call_rcu()', 'Documentation/RCU/checklist.rst, item 17'],
  knownGaps: [
    'a file whose MODULE_LICENSE() is in another file is assumed to be built-in only',
    'a wait in another file of the module is not seen without a tree',
  ],
  examples: {
    bad: [
      `
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static void __exit nodes_exit(void)
{
	notifier_drop(&nodes_nb);
} /* want: module-exit-no-rcu-barrier "node_gone()" */

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
      `
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

/* Not an operation of what is registered: it is the module itself that calls it. */
static void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static int node_close(struct inode *inode, struct file *file)
{
	node_drop(file->private_data);
	return 0;
}

static const struct node_ops ops = { .close = node_close };

static void __exit nodes_exit(void)
{
	node_class_unregister(&ops);
} /* want: module-exit-no-rcu-barrier "node_gone()" */

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
    ],
    good: [
      `
/* Without a licence it is built in or not at all, and never unloaded. */
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static void __exit nodes_exit(void)
{
	notifier_drop(&nodes_nb);
}

module_exit(nodes_exit);`,
      `
/* An operation that only those call that it is registered with: they may wait for what it leaves. */
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

static void node_free(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static const struct node_ops ops = { .free = node_free };

static void __exit nodes_exit(void)
{
	node_class_unregister(&ops);
}

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
      `
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static void __exit nodes_exit(void)
{
	notifier_drop(&nodes_nb);
	rcu_barrier();
}

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
      `
void node_drop(struct node *n)
{
	kfree_rcu(n, rcu);
}

static void __exit nodes_exit(void)
{
	notifier_drop(&nodes_nb);
}

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
      `
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static void nodes_stop(void)
{
	notifier_drop(&nodes_nb);
	rcu_barrier();
}

static void __exit nodes_exit(void)
{
	nodes_stop();
}

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
      `
/* One file of several: the module's own exit is elsewhere. */
static void node_gone(struct rcu_head *head)
{
	kfree(container_of(head, struct node, rcu));
}

void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

void __exit nodes_stop(void)
{
	notifier_drop(&nodes_nb);
}`,
      `
/* It counts what is out and waits for that. */
static void node_gone(struct rcu_head *head)
{
	struct node *n = container_of(head, struct node, rcu);

	if (atomic_dec_and_test(&nodes_out))
		wake_up(&nodes_wait);
	kfree(n);
}

void node_drop(struct node *n)
{
	call_rcu(&n->rcu, node_gone);
}

static void __exit nodes_exit(void)
{
	wait_event(nodes_wait, atomic_read(&nodes_out) == 0);
}

module_exit(nodes_exit);
MODULE_LICENSE("GPL");`,
    ],
  },
  checkFile(file, report, world) {
    // What has no licence is no module, and nobody unloads it.
    if (!file.whole || !world.licensed(file.path)) return;
    const own = new Set(file.functions.map(fn => fn.name));
    const queued = (fn: CFunction) => fn.events.find(e => /^call_rcu(?:_hurry)?$/.test(e.api) && own.has(e.args[1] ?? ''));
    const users = file.functions.filter(queued);
    if (users.length === 0) return;
    const exit = file.functions.find(fn => fn.whole && fn.parameters.length <= 1 && world.mentions(fn).some(m => m.call === 'module_exit'));
    if (!exit || isTest(exit) || waits(exit, world, new Set())) return;
    for (const fn of users) {
      const call = queued(fn);
      if (!call) continue;
      const callback = call.args[1] ?? '';
      report(
        { place: { path: exit.path, line: exit.endLine, side: exit.side }, fn: exit },
        {
          message: `${exit.name}() does not wait for ${callback}(), which ${fn.name}() passes to ${called(call)}()`,
          detail: ['A callback that is still queued after the unload jumps into freed module memory'],
          question: 'Can such a callback be pending when the module is unloaded, and is rcu_barrier() missing?',
          dismissal: 'Not an issue if the code is never built as a module, or another file of the module waits',
          related: [{ path: call.path, line: call.line, side: call.side, note: 'passed here' }],
          advice: ['Call rcu_barrier() at the end of the exit function'],
          // Who the operation is registered with may wait, where that is out of view.
          ...(isOperation(fn, world) && exit.events.some(e => e.opaque && /(?:^|_)(?:un|de)reg/.test(e.api)) ? { confidence: 'low' as const } : {}),
        },
      );
      return;
    }
  },
} satisfies Rule;

/** Does the function, or one in view that it calls, wait for callbacks, or for something that they may tell of? */
function waits(fn: CFunction, world: World, seen: Set<CFunction>): boolean {
  if (seen.has(fn)) return false;
  seen.add(fn);
  return fn.events.some(e => {
    const callee = isWait(e) ? null : calleeIn(fn, e, world.functions);
    return isWait(e) || (callee !== null && waits(callee, world, seen));
  });
}

/** Is the function put into a table, and called by nobody in view? */
function isOperation(fn: CFunction, world: World): boolean {
  return world.mentions(fn).some(m => m.member !== null) && world.callers(fn.name).length === 0;
}

// unregister_pernet_subsys() and what is built on it wait for callbacks themselves, as kmem_cache_destroy() does for objects freed by RCU.
function isWait(event: Event): boolean {
  return (
    (event.kind === 'wait' && !/^(?:cancel|flush|del_timer|timer|destroy_workqueue|synchronize|free_irq|disable)/.test(event.api)) ||
    /rcu_barrier|^wait_|^(?:unregister_pernet_\w+|tcf_unregister_action|kmem_cache_destroy)$/.test(event.api)
  );
}

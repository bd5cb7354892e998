import { isTest } from '../../src/c/query.ts';
import type { Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'kref-release-called-directly',
  title: 'The release function of a kref is called past the count',
  why: `
    A release function runs when the last reference is put. Called by hand, it frees the object whatever the count says: whoever holds
    another reference uses freed memory, and the last put frees it a second time.`,
  severity: 'warning', // The last holder may know that it is the last.
  confidence: 'medium',
  finds: ['refcount-lifetime'],
  references: ['Documentation/core-api/kref.rst, Kref rules', 'include/linux/kref.h, kref_put()'],
  knownGaps: ['a release function that another file hands to kref_put() is not known to be one'],
  examples: {
    bad: [
      `
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}

int req_send(struct req *r)
{
	int err = req_queue(r);

	if (err)
		req_free(&r->kref); /* want: kref-release-called-directly "req_free()" */
	return err;
}`,
    ],
    good: [
      `
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

int req_send(struct req *r)
{
	int err = req_queue(r);

	if (err)
		kref_put(&r->kref, req_free);
	return err;
}`,
      `
/* One release function ends in another. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

static void req_free_logged(struct kref *kref)
{
	pr_debug("gone\\n");
	req_free(kref);
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}

void req_put_logged(struct req *r)
{
	kref_put(&r->kref, req_free_logged);
}`,
      `
/* Nobody has seen it yet. */
static void req_free(struct kref *kref)
{
	kfree(container_of(kref, struct req, kref));
}

struct req *req_make(void)
{
	struct req *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	kref_init(&r->kref);
	if (req_setup(r)) {
		req_free(&r->kref);
		return NULL;
	}
	return r;
}

void req_put(struct req *r)
{
	kref_put(&r->kref, req_free);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || isTest(fn)) return;
    for (const call of fn.events) {
      const [first] = call.args;
      if (call.kind !== 'call' || call.args.length !== 1 || !first?.startsWith('&') || !/(?:->|\.)\w*k?ref\w*$/.test(first)) continue;
      const put = releasesBy(world).get(call.api);
      if (!put || fn.name === call.api || fn.events.some(e => e.api === 'kref_init' || (e.api === put.api && e.args[1] === call.api))) continue;
      const object = first.replace(/^&\(?/, '').replace(/(?:->|\.)\w+$/, '');
      report(
        { event: call, fn },
        {
          message: `${fn.name}() calls ${call.api}(), the release function of ${first.slice(1)}, past the count`,
          question: `Who else holds a reference to ${object}, and should this be kref_put(${first}, ${call.api})?`,
          dismissal: `Not an issue if ${object} was never known to anybody else`,
          related: [{ path: put.path, line: put.line, side: put.side, note: 'handed to kref_put() here' }],
          advice: [`kref_put(${first}, ${call.api})`],
        },
      );
    }
  },
} satisfies Rule;

const known = new WeakMap<World, Map<string, Event>>();

/** Functions that are handed to a put of a kref as what runs at zero, each with one such put. */
function releasesBy(world: World): Map<string, Event> {
  let found = known.get(world);
  if (!found) {
    found = new Map();
    for (const fn of world.functions) {
      for (const event of fn.events) {
        const release = /^kref_put(?:_lock|_mutex)?$/.test(event.api) ? event.args[1] : undefined;
        if (release !== undefined && /^\w+$/.test(release)) found.set(release, event);
      }
    }
    known.set(world, found);
  }
  return found;
}

import { expect, test } from 'vitest';
import { functionOf } from '../compact.ts';

async function objects(body: string): Promise<string[]> {
  return (await functionOf(body)).events.filter(e => e.kind === 'write' || e.kind === 'rmw').map(e => e.object ?? '-');
}

test.each<[string, string, string[]]>([
  ['new memory is private', 'struct s *p = kzalloc(8, GFP_KERNEL); p->n = 1; atomic_inc(&p->refs);', ['private', 'private']],
  ['until it is stored', 'struct s *p = kmalloc(8, GFP_KERNEL); p->n = 1; x->next = p; p->n = 2;', ['private', '-', '-']],
  ['until it is published', 'struct s *p = kmalloc(8, GFP_KERNEL); p->n = 1; rcu_assign_pointer(x->rp, p); p->n = 2;', ['private', '-']],
  ['until something unknown gets it', 'struct s *p = kmalloc(8, GFP_KERNEL); p->n = 1; use(p); p->n = 2;', ['private', '-']],
  [
    'until a list gets it',
    'struct s *p = kmalloc(8, GFP_KERNEL); INIT_LIST_HEAD(&p->list); p->n = 1; list_add(&p->list, &x->list); p->n = 2;',
    ['private', 'private', '-', '-'],
  ],
  ['on some path only is not private', 'struct s *p = kmalloc(8, GFP_KERNEL); if (v) use(p); p->n = 2;', ['-']],
  ['what it points to is not private', 'struct s *p = kmalloc(8, GFP_KERNEL); p->next->n = 1;', ['-']],
  ['a variable that is set again is not followed', 'struct s *p = kmalloc(8, GFP_KERNEL); p = y; p->n = 1;', ['-']],
  ['what was freed is freed', 'x->n = 1; kfree(x); x->n = 2;', ['-', 'freed']],
  ['freed on one path is not surely freed', 'if (v) kfree(x); x->n = 2;', ['-']],
  ['freed behind a grace period is not freed yet', 'kfree_rcu(x, rcu); x->n = 2;', ['-']],
])('%s', async (_, body, expected) => {
  expect(await objects(body)).toEqual(expected);
});

import type { Rule } from '../../../src/model/rule.ts';

/** How the small object of the examples differs from the plain one, whose work is queued by whoever taps it. */
interface Cask {
  members?: string;
  handler?: string;
  setUp?: string;
  /** Where the structure is declared: here, or in a header that is not in view. */
  away?: true;
  end: string;
}

function cask({ members = '', handler = '', setUp = '', away, end }: Cask): string {
  return `
${away ? '#include "cask.h"\n' : `struct cask {\n	struct work_struct pour;\n	struct timer_list foam;\n	struct work_struct clean;\n	int irq;\n	int level;\n	char *label;\n${members}};\n`}
static void cask_pour(struct work_struct *w)
{
	struct cask *c = container_of(w, struct cask, pour);

	c->level--;
${handler}}

static irqreturn_t cask_irq(int irq, void *data)
{
	struct cask *c = data;

	schedule_work(&c->pour);
	return IRQ_HANDLED;
}

int cask_open(struct cask *c)
{
	INIT_WORK(&c->pour, cask_pour);
${setUp}	return request_irq(c->irq, cask_irq, 0, "cask", c);
}
${end}`;
}

/** An end of the object, which is not a driver's. */
const close = (does: string) => `
void cask_close(struct cask *c)
{
${does}}`;

/** A timer of a namespace's part, and what is done to it when the namespace goes. */
const vat = (does: string) => `
struct vat {
	struct timer_list stir;
	int turns;
};

static void vat_stir(struct timer_list *t)
{
	struct vat *v = from_timer(v, t, stir);

	v->turns++;
	mod_timer(&v->stir, jiffies + HZ);
}

static int __net_init vat_net_init(struct net *net)
{
	struct vat *v = net_generic(net, vat_id);

	timer_setup(&v->stir, vat_stir, 0);
	return 0;
}

void vat_use(struct vat *v)
{
	mod_timer(&v->stir, jiffies + HZ);
}

static void __net_exit vat_net_exit(struct net *net)
{
	struct vat *v = net_generic(net, vat_id);

	${does}
}

static struct pernet_operations vat_ops = {
	.init = vat_net_init,
	.exit = vat_net_exit,
};`;

const want = (part: string) => ` /* want: work-outlives-owner "${part}" */`;
const FREE_IRQ = '	free_irq(c->irq, c);\n';
const CLEAN = `
static void cask_clean(struct work_struct *w)
{
	struct cask *c = container_of(w, struct cask, clean);

	c->level = 0;
}
`;
const TWO = { setUp: '	INIT_WORK(&c->clean, cask_clean);\n' };
const withClean = (text: string) => text.replace('\nint cask_open', `${CLEAN}\nint cask_open`);

/** Ends of objects that no driver's removal makes: by a free, by the stop of a source, beside a sibling, by a table. */
export const examples: Rule['examples'] = {
  bad: [
    cask({ end: close(`${FREE_IRQ}	kfree(c->label);\n	kfree(c);${want('nothing in this file waits for cask_pour()')}\n`) }),
    cask({ away: true, end: close(`	free_irq(c->irq, c);${want('stops what queues pour')}\n`) }),
    withClean(
      cask({ ...TWO, end: close(`${FREE_IRQ}	cancel_work_sync(&c->pour);${want('nothing in this file waits for cask_clean()')}\n	kfree(c);\n`) }),
    ),
    vat(`timer_delete(&v->stir);${want('does not wait for vat_stir()')}`),
  ],
  good: [
    cask({ end: close(`${FREE_IRQ}	cancel_work_sync(&c->pour);\n	kfree(c);\n`) }),
    vat('timer_shutdown_sync(&v->stir);'),
    `\n/* Another function waits. */${cask({ end: `${close(`${FREE_IRQ}	kfree(c);\n`)}\n\nvoid cask_pause(struct cask *c)\n{\n	cancel_work_sync(&c->pour);\n}` })}`,
    `\n/* The handler frees it. */${cask({ handler: '	kfree(c);\n', end: close(`${FREE_IRQ}	kfree(c);\n`) })}`,
    `\n/* The handler tells when it is through. */${cask({
      members: '	wait_queue_head_t idle;\n',
      handler: '	wake_up(&c->idle);\n',
      end: close(`${FREE_IRQ}	wait_event(c->idle, c->level == 0);\n	kfree(c);\n`),
    })}`,
    `\n/* What it frees is a copy that it has made. */${cask({
      end: `\nvoid cask_print(struct cask *c)\n{\n	struct cask *copy = kmalloc(sizeof(*copy), GFP_KERNEL);\n\n	if (!copy)\n		return;\n	copy->level = c->level;\n	kfree(copy);\n}`,
    })}`,
    `\n/* The queue that it may be on is drained. */${withClean(
      cask({
        ...TWO,
        members: '	struct workqueue_struct *queue;\n',
        end: close(`${FREE_IRQ}	cancel_work_sync(&c->pour);\n	destroy_workqueue(c->queue);\n	kfree(c);\n`),
      }),
    )}`,
  ],
};

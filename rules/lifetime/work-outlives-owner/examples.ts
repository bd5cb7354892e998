import type { Rule } from '../../../src/model/rule.ts';

/** How the small driver of the examples differs from the plain one. */
interface Kettle {
  members?: string;
  handler?: string;
  queue?: string;
  memory?: string;
  device?: string;
  up?: string;
  say?: string;
}

/** A driver whose interrupt queues work of the device's object. */
function kettle({ members = '', handler = '', queue = 'schedule_work(&k->boil);', memory, device = 'platform', up = '', say = '' }: Kettle = {}) {
  return `
struct kettle {
	struct work_struct boil;
	int heat;
${members}};

static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(w, struct kettle, boil);

	k->heat++;
${handler}}

static irqreturn_t kettle_irq(int irq, void *data)
{
	struct kettle *k = data;

	k->heat = 0;
	${queue}
	return IRQ_HANDLED;
}

static int kettle_probe(struct ${device}_device *pdev)
{
	struct kettle *k = ${memory ?? 'devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL)'};

	if (!k)
		return -ENOMEM;
	INIT_WORK(&k->boil, kettle_boil);${say}
${up}	${device}_set_drvdata(pdev, k);
	return devm_request_irq(&pdev->dev, 7, kettle_irq, 0, "kettle", k);
}
`;
}

/** The driver's remove function, with what it does, and its table. */
function removal(does: string, say = ''): string {
  return `
static void kettle_remove(struct platform_device *pdev)
{
	struct kettle *k = platform_get_drvdata(pdev);

	k->heat = 0;
${does}}${say}

static struct platform_driver kettle_driver = {
	.probe = kettle_probe,
	.remove = kettle_remove,
};`;
}

/** A driver that frees the object itself, and what it does to the timer before. */
function withTimer(does: string, say = '', arm = ''): string {
  return `
struct kettle {
	struct timer_list beep;
	int beeps;
};

static void kettle_beep(struct timer_list *t)
{
	struct kettle *k = from_timer(k, t, beep);

	k->beeps++;
}

static irqreturn_t kettle_irq(int irq, void *data)
{
	struct kettle *k = data;

	mod_timer(&k->beep, jiffies + HZ);
${arm}	return IRQ_HANDLED;
}

static int kettle_connect(struct serio *serio, struct serio_driver *drv)
{
	struct kettle *k = kzalloc(sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	timer_setup(&k->beep, kettle_beep, 0);
	serio_set_drvdata(serio, k);
	return request_irq(7, kettle_irq, 0, "kettle", k);
}

static void kettle_disconnect(struct serio *serio)
{
	struct kettle *k = serio_get_drvdata(serio);

	free_irq(7, k);
${does}	kfree(k);${say}
}

static struct serio_driver kettle_driver = {
	.connect = kettle_connect,
	.disconnect = kettle_disconnect,
};`;
}

/** A driver that queues with a delay on a queue of its own, and what it does before it destroys that. */
function delayed(does: string, say = ''): string {
  return `
struct kettle {
	struct workqueue_struct *queue;
	struct delayed_work boil;
	int heat;
};

static void kettle_boil(struct work_struct *w)
{
	struct kettle *k = container_of(to_delayed_work(w), struct kettle, boil);

	k->heat++;
}

static irqreturn_t kettle_irq(int irq, void *data)
{
	struct kettle *k = data;

	queue_delayed_work(k->queue, &k->boil, HZ);
	return IRQ_HANDLED;
}

static int kettle_probe(struct platform_device *pdev)
{
	struct kettle *k = devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	INIT_DELAYED_WORK(&k->boil, kettle_boil);
	k->queue = alloc_ordered_workqueue("kettle", 0);
	if (!k->queue)
		return -ENOMEM;
	platform_set_drvdata(pdev, k);
	return request_irq(7, kettle_irq, 0, "kettle", k);
}
${removal(`	free_irq(7, k);\n${does}	destroy_workqueue(k->queue);\n`, say)}`;
}

/** A module with a timer of its own, and how that is stopped. */
function module(stop: string, say = ''): string {
  return `
static struct timer_list kettle_timer;
static int kettle_beeps;

static void kettle_beep(struct timer_list *t)
{
	kettle_beeps++;
	mod_timer(&kettle_timer, jiffies + HZ);
}

static int __init kettle_init(void)
{
	timer_setup(&kettle_timer, kettle_beep, 0);
	mod_timer(&kettle_timer, jiffies + HZ);
	return 0;
}

static void __exit kettle_exit(void)
{
	${stop}
}${say}

module_init(kettle_init);
module_exit(kettle_exit);`;
}

const want = (part: string) => ` /* want: work-outlives-owner "${part}" */`;
const OWN_QUEUE: Kettle = { members: '	struct workqueue_struct *queue;\n', queue: 'queue_work(k->queue, &k->boil);' };
const TELLS: Kettle = { members: '	wait_queue_head_t wait;\n', handler: '	wake_up(&k->wait);\n' };
const STOPS = `
static void kettle_stop(void *data)
{
	struct kettle *k = data;

	cancel_work_sync(&k->boil);
}
`;

/** The rule's examples both ways: an item that nothing waits for, and what waits where it is not seen at once. */
export const examples: Rule['examples'] = {
  bad: [
    kettle() + removal('', want('does not wait for kettle_boil()')),
    withTimer('	timer_delete(&k->beep);\n', want('which may be running')),
    // A handler that runs is not on the queue.
    withTimer('	if (timer_pending(&k->beep))\n		timer_delete_sync(&k->beep);\n', want('which may be running')),
    `${kettle({ say: want('struct kettle is freed with its device') })}
static struct platform_driver kettle_driver = {
	.probe = kettle_probe,
};`,
    delayed('', want('does not wait for kettle_boil()')),
    `${kettle()}
static int kettle_suspend(struct device *dev)
{
	struct kettle *k = dev_get_drvdata(dev);

	cancel_work_sync(&k->boil);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(kettle_pm, kettle_suspend, NULL);
${removal('', want('does not wait for kettle_boil()'))}`,
    module('timer_delete(&kettle_timer);', want('the module is gone')),
    // A board's own function knows the device, not the driver's work.
    kettle() + removal('	if (k->board->exit)\n		k->board->exit(&pdev->dev);\n', want('does not wait for kettle_boil()')),
    // Two items, told at one place.
    kettle({
      members: '	struct work_struct cool;\n',
      up: '	INIT_WORK(&k->cool, kettle_boil);\n',
      queue: 'schedule_work(&k->boil);\n	schedule_work(&k->cool);',
    }) + removal('	cancel_work_sync(&k->cool);\n', want('does not wait for kettle_boil()')),
  ],
  good: [
    kettle() + removal('	cancel_work_sync(&k->boil);\n'),
    withTimer('	timer_shutdown_sync(&k->beep);\n'),
    module('timer_shutdown_sync(&kettle_timer);'),
    `\n/* No delay is left, and what is on the queue is drained. */${delayed('	cancel_delayed_work(&k->boil);\n')}`,
    `\n/* An operation waits that is called before the device goes. */${kettle()}
static void kettle_close(struct input_dev *input)
{
	struct kettle *k = input_get_drvdata(input);

	cancel_work_sync(&k->boil);
}

static void kettle_input(struct input_dev *input)
{
	input->close = kettle_close;
}
${removal('')}`,
    `\n/* It is stopped when the memory goes. */${kettle()}${STOPS}
static int kettle_add(struct device *dev, struct kettle *k)
{
	return devm_add_action_or_reset(dev, kettle_stop, k);
}
${removal('')}`,
    `\n/* The core calls what waits. */${kettle()}${STOPS}
static int kettle_add(struct device *dev, struct kettle *k)
{
	return devm_add_action_or_reset(dev, kettle_stop, k);
}

static struct platform_driver kettle_driver = {
	.probe = kettle_probe,
};`,
    `\n/* What is called at the end is out of view. */${kettle({ up: '	devm_add_action(&pdev->dev, heater_off, k);\n' })}
static struct platform_driver kettle_driver = {
	.probe = kettle_probe,
};`,
    `\n/* It is waited for by a pointer alone. */${kettle()}
static void kettle_wait(void *work)
{
	cancel_work_sync(work);
}
${removal('	heater_each(&pdev->dev, kettle_wait);\n')}`,
    `\n/* What gets the part of the object that the item is in may wait. */${kettle()
      .replace('struct work_struct boil;', 'struct {\n		struct work_struct boil;\n	} part;')
      .replaceAll('k->boil', 'k->part.boil')
      .replace('kettle, boil', 'kettle, part.boil')}${removal('	heater_off(&k->part);\n')}`,
    `\n/* What is called at the end may stop all. */${module('heater_stop();')}`,
    `\n/* Its own queue is drained. */${kettle(OWN_QUEUE)}${removal('	devm_free_irq(&pdev->dev, 7, k);\n	destroy_workqueue(k->queue);\n')}`,
    `\n/* Who drains the queue is out of view. */${kettle(OWN_QUEUE)}${removal('')}`,
    `\n/* What gets the object may wait. */${kettle()}${removal('	heater_off(k);\n')}`,
    `\n/* Another file of the driver may wait. */${kettle()}${removal('	kettle_stop_all(&pdev->dev);\n')}`,
    `\n/* What gets the item may wait. */${kettle()}${removal('	heater_forget(&k->boil);\n')}`,
    `\n/* It waits until the handler says that it is through. */${kettle(TELLS)}${removal('	wait_event(k->wait, k->heat > 0);\n')}`,
    `\n/* Whoever queues waits for the end. */${kettle({
      ...TELLS,
      queue: 'schedule_work(&k->boil);\n	wait_event(k->wait, k->heat > 0);',
    })}${removal('')}`,
    `\n/* The caller of whoever queues waits for the end. */${kettle({ members: '	struct completion done;\n', handler: '	complete(&k->done);\n' })}
static int kettle_read(struct kettle *k)
{
	wait_for_completion(&k->done);
	return k->heat;
}
${removal('')}`,
    `\n/* Queued at once, and what is on the queue is drained. */${delayed('').replace('boil, HZ', 'boil, 0')}`,
    `\n/* Whoever arms the timer takes it off. */${withTimer('', '', '	k->beeps = 0;\n	timer_delete(&k->beep);\n')}`,
    `\n/* The handler gives back a reference that was taken for it. */${kettle({
      members: '	struct kref ref;\n',
      handler: '	kettle_put(k);\n',
      queue: 'kref_get(&k->ref);\n	schedule_work(&k->boil);',
    })}${removal('')}`,
    `\n/* Queued once, when the device comes up. */${kettle({ queue: 'k->heat++;', up: '	schedule_work(&k->boil);\n' })}${removal('')}`,
    `\n/* What would queue it is an inline function that nobody calls. */${kettle({ queue: 'k->heat++;' })}
static inline void kettle_warm(struct kettle *k)
{
	k->heat = 1;
	schedule_work(&k->boil);
}
${removal('')}`,
    `\n/* Who frees the object is out of view. */${kettle({ memory: 'kettle_find(pdev)' })}${removal('')}`,
    `\n/* The object of another device, which goes with that. */${kettle({ device: 'serdev' })}
static struct serdev_device_driver kettle_serdev = {
	.probe = kettle_probe,
};

static void kettle_remove(struct platform_device *pdev)
{
	platform_set_drvdata(pdev, NULL);
}

static struct platform_driver kettle_driver = {
	.remove = kettle_remove,
};`,
    `\n/* Nobody can take the driver off its device. */${kettle()}
static struct platform_driver kettle_driver = {
	.probe = kettle_probe,
	.driver = { .suppress_bind_attrs = true },
};`,
    `\n/* The handler frees the object. */${kettle({ handler: '	kfree(k);\n', memory: 'kzalloc(sizeof(*k), GFP_KERNEL)' })}${removal(
      '	if (k->heat)\n		kfree(k);\n',
    )}`,
  ],
};

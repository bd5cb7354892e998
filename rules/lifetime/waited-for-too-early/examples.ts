import type { Rule } from '../../../src/model/rule.ts';

/** How the small driver of the examples differs from the plain one. */
interface Pump {
  members?: string;
  /** What the work's handler does first. */
  work?: string;
  /** How the interrupt queues the work. */
  queue?: string;
  /** Functions before the end, what the removal does, and what else its table has. */
  more?: string;
  remove?: string;
  table?: string;
}

/** A driver whose interrupt queues work, and what its removal does about the two. */
function pump({ members = '', work = '', queue = '	schedule_work(&p->drain);\n', more = '', remove = '', table = '' }: Pump): string {
  return `
struct pump {
	struct work_struct drain;
	int irq;
	int level;
${members}};

static void pump_drain(struct work_struct *w)
{
	struct pump *p = container_of(w, struct pump, drain);

${work}	p->level--;
}

static irqreturn_t pump_irq(int irq, void *data)
{
	struct pump *p = data;

${queue}	return IRQ_HANDLED;
}
${more}
static int pump_probe(struct platform_device *pdev)
{
	struct pump *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	INIT_WORK(&p->drain, pump_drain);
	p->irq = platform_get_irq(pdev, 0);
	platform_set_drvdata(pdev, p);
	return request_irq(p->irq, pump_irq, 0, "pump", p);
}

static void pump_remove(struct platform_device *pdev)
{
	struct pump *p = platform_get_drvdata(pdev);

${remove}	kfree(p);
}

static struct platform_driver pump_driver = {
	.probe = pump_probe,
	.remove = pump_remove,
${table}};`;
}

/** A driver whose timer queues work, which arms the timer, and how its removal ends them. */
function turns(ends: string, fails = ''): string {
  return `
struct pump {
	struct timer_list tick;
	struct work_struct drain;
	int level;
};

static void pump_tick(struct timer_list *t)
{
	struct pump *p = from_timer(p, t, tick);

	schedule_work(&p->drain);
}

static void pump_drain(struct work_struct *w)
{
	struct pump *p = container_of(w, struct pump, drain);

	if (p->level > 0)
		mod_timer(&p->tick, jiffies + HZ);
}

static int pump_connect(struct serio *serio, struct serio_driver *drv)
{
	struct pump *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	timer_setup(&p->tick, pump_tick, 0);
	INIT_WORK(&p->drain, pump_drain);
	serio_set_drvdata(serio, p);
${fails}	mod_timer(&p->tick, jiffies + HZ);
	return 0;
}

static void pump_disconnect(struct serio *serio)
{
	struct pump *p = serio_get_drvdata(serio);

${ends}	kfree(p);
}

static struct serio_driver pump_driver = {
	.connect = pump_connect,
	.disconnect = pump_disconnect,
};`;
}

/** A driver with an operation that queues work, and what its removal and its last user do. */
function network(remove: string, stop = '', asks = ''): string {
  return `
struct pump {
	struct work_struct restart;
	struct net_device *dev;
	int level;
};

static void pump_restart(struct work_struct *w)
{
	struct pump *p = container_of(w, struct pump, restart);

	p->level = 0;
}

static void pump_tx_timeout(struct net_device *dev, unsigned int queue)
{
	struct pump *p = netdev_priv(dev);

${asks}	schedule_work(&p->restart);
}

static int pump_stop(struct net_device *dev)
{
	struct pump *p = netdev_priv(dev);

	p->level = 0;
${stop}	return 0;
}

static const struct net_device_ops pump_ops = {
	.ndo_stop = pump_stop,
	.ndo_tx_timeout = pump_tx_timeout,
};

static int pump_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct pump));
	struct pump *p = netdev_priv(dev);

	p->dev = dev;
	INIT_WORK(&p->restart, pump_restart);
	dev->netdev_ops = &pump_ops;
	pci_set_drvdata(pdev, dev);
	return register_netdev(dev);
}

static void pump_remove(struct pci_dev *pdev)
{
	struct net_device *dev = pci_get_drvdata(pdev);
	struct pump *p = netdev_priv(dev);

${remove}	free_netdev(dev);
}

static struct pci_driver pump_driver = {
	.probe = pump_probe,
	.remove = pump_remove,
};`;
}

const want = (part: string) => ` /* want: waited-for-too-early "${part}" */\n`;
const EARLY = '	cancel_work_sync(&p->drain);\n	free_irq(p->irq, p);\n';

/** The driver's input is a pipe of USB. */
function pipe(disconnect: string): string {
  return `
struct pump {
	struct work_struct drain;
	struct urb *in;
	u8 *buf;
};

static void pump_drain(struct work_struct *w)
{
	struct pump *p = container_of(w, struct pump, drain);

	p->buf[0] = 0;
}

static void pump_complete(struct urb *urb)
{
	struct pump *p = urb->context;

	schedule_work(&p->drain);
}

static int pump_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	struct pump *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	INIT_WORK(&p->drain, pump_drain);
	usb_set_intfdata(intf, p);
	usb_fill_int_urb(p->in, interface_to_usbdev(intf), 0, p->buf, 8, pump_complete, p, 4);
	return usb_submit_urb(p->in, GFP_KERNEL);
}

static void pump_disconnect(struct usb_interface *intf)
{
	struct pump *p = usb_get_intfdata(intf);

${disconnect}	kfree(p);
}

static struct usb_driver pump_driver = {
	.probe = pump_probe,
	.disconnect = pump_disconnect,
};`;
}

/** A pump that others are told of, and how it is forgotten. */
function chain(unregister: string): string {
  return pump({
    members: '	struct notifier_block nb;\n',
    queue: '	p->level++;\n',
    more: `
static int pump_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pump *p = container_of(nb, struct pump, nb);

	schedule_work(&p->drain);
	return NOTIFY_OK;
}

static int pump_listen(struct pump *p)
{
	p->nb.notifier_call = pump_event;
	return register_reboot_notifier(&p->nb);
}
`,
    remove: unregister,
  });
}

/** The rule's examples both ways: a wait before what queues the item is stopped, and what makes such a wait good. */
export const examples: Rule['examples'] = {
  bad: [
    pump({ remove: `	cancel_work_sync(&p->drain);${want('until that pump_irq() may queue it again')}	free_irq(p->irq, p);\n` }),
    // The stop is in a function that is called, the queueing in another.
    pump({
      queue: '	pump_kick(p);\n',
      more: `
static void pump_kick(struct pump *p)
{
	schedule_work(&p->drain);
}

static void pump_quiet(struct pump *p)
{
	free_irq(p->irq, p);
}
`,
      remove: `	flush_work(&p->drain);${want('before free_irq()')}	pump_quiet(p);\n`,
    }),
    // What is set before the interrupt is there tells nothing, when a start is undone.
    pump({
      queue: '	if (p->level)\n		schedule_work(&p->drain);\n',
      more: `
static int pump_start(struct pump *p)
{
	int ret;

	p->level = 1;
	INIT_WORK(&p->drain, pump_drain);
	ret = request_irq(p->irq, pump_irq, 0, "pump", p);
	if (ret)
		return ret;
	ret = pump_prime(p);
	if (ret)
		goto err;
	return 0;

err:
	cancel_work_sync(&p->drain);${want('before free_irq()')}	free_irq(p->irq, p);
	return ret;
}
`,
      remove: '	free_irq(p->irq, p);\n	cancel_work_sync(&p->drain);\n',
    }),
    pump({
      members: '	struct workqueue_struct *queue;\n',
      queue: '	queue_work(p->queue, &p->drain);\n',
      remove: `	destroy_workqueue(p->queue);${want('destroy_workqueue() waits for pump_drain()')}	free_irq(p->irq, p);\n`,
    }),
    turns(`	cancel_work_sync(&p->drain);${want('pump_tick() may queue it again')}	timer_delete_sync(&p->tick);\n`),
    turns(`	timer_delete_sync(&p->tick);${want('pump_drain() may arm it again')}	cancel_work_sync(&p->drain);\n`),
    network(`	cancel_work_sync(&p->restart);${want('before unregister_netdev()')}	unregister_netdev(dev);\n`),
    `\n/* What is emptied at the end is not polled. */${pump({
      members: '	struct valve *valves[4];\n',
      work: '	p->valves[0] = NULL;\n',
      queue: '	p->valves[1] = NULL;\n	schedule_work(&p->drain);\n',
      remove: `	int i;\n\n	cancel_work_sync(&p->drain);${want('until that pump_irq() may queue it again')}	free_irq(p->irq, p);
	for (i = 0; i < 4; i++) {
		if (!p->valves[i])
			break;
		kfree(p->valves[i]);
	}\n`,
    })}`,
    `\n/* The watchdog does not look at the queue that is stopped. */${network(
      `	netif_stop_queue(dev);\n	cancel_work_sync(&p->restart);${want('before unregister_netdev()')}	unregister_netdev(dev);\n`,
    )}`,
    `\n/* The work may raise the carrier once more before it is waited for. */${network(
      `	netif_carrier_off(dev);\n	netif_tx_disable(dev);\n	cancel_work_sync(&p->restart);${want('before unregister_netdev()')}	unregister_netdev(dev);\n`,
    ).replace('	p->level = 0;\n}', '	netif_carrier_on(p->dev);\n}')}`,
    `\n/* The watchdog may still be in the midst of it. */${network(
      `	netif_tx_disable(dev);\n	netif_carrier_off(dev);\n	cancel_work_sync(&p->restart);${want('before unregister_netdev()')}	unregister_netdev(dev);\n`,
    )}`,
    pipe(`	cancel_work_sync(&p->drain);${want('before usb_kill_urb()')}	usb_kill_urb(p->in);\n`),
    chain(`	cancel_work_sync(&p->drain);${want('before unregister_reboot_notifier()')}	unregister_reboot_notifier(&p->nb);\n`),
  ],
  good: [
    pump({ remove: '	free_irq(p->irq, p);\n	cancel_work_sync(&p->drain);\n' }),
    `\n/* It is waited for once more. */${pump({ remove: `${EARLY}	cancel_work_sync(&p->drain);\n` })}`,
    `\n/* It can't be queued any more. */${pump({ remove: '	disable_work_sync(&p->drain);\n	free_irq(p->irq, p);\n' })}`,
    `\n/* The interrupt is off. */${pump({ remove: `	disable_irq(p->irq);\n${EARLY}` })}`,
    `\n/* The device is told not to interrupt. */${pump({ members: '	void __iomem *regs;\n', remove: `	writel(0, p->regs);\n${EARLY}` })}`,
    `\n/* What is out of view stops it, by its name. */${pump({ remove: `	valve_disable(pdev);\n${EARLY}` })}`,
    `\n/* The interrupt asks first. */${pump({
      members: '	bool going;\n',
      queue: '	if (!p->going)\n		schedule_work(&p->drain);\n',
      remove: `	WRITE_ONCE(p->going, true);\n${EARLY}`,
    })}`,
    `\n/* The handler comes and does nothing. */${pump({
      members: '	bool going;\n',
      work: '	if (p->going)\n		return;\n',
      remove: `	p->going = true;\n${EARLY}`,
    })}`,
    `\n/* The interrupt finds no such pump any more. */${pump({ members: '	struct list_head link;\n', remove: `	list_del(&p->link);\n${EARLY}` })}`,
    `\n/* What gets the item afterwards may wait. */${pump({ remove: `${EARLY}	valve_forget(&p->drain);\n` })}`,
    `\n/* The object lives on in sleep. */${pump({
      more: `
static int pump_suspend(struct device *dev)
{
	struct pump *p = dev_get_drvdata(dev);

${EARLY}	return 0;
}
`,
      remove: '	free_irq(p->irq, p);\n	cancel_work_sync(&p->drain);\n',
      table: '	.suspend = pump_suspend,\n',
    })}`,
    `\n/* The machine goes down with it. */${pump({
      more: `
static void pump_shutdown(struct platform_device *pdev)
{
	struct pump *p = platform_get_drvdata(pdev);

${EARLY}}
`,
      remove: '	free_irq(p->irq, p);\n	cancel_work_sync(&p->drain);\n',
      table: '	.shutdown = pump_shutdown,\n',
    })}`,
    `\n/* The interrupt of something else. */${pump({
      members: '	int lid_irq;\n',
      more: `
static irqreturn_t pump_lid(int irq, void *data)
{
	return IRQ_HANDLED;
}

static int pump_watch(struct pump *p)
{
	return request_irq(p->lid_irq, pump_lid, 0, "pump", p);
}
`,
      remove: '	cancel_work_sync(&p->drain);\n	free_irq(p->lid_irq, p);\n',
    })}`,
    `\n/* The work of another object. */${pump({
      members: '	struct hose *hose;\n',
      queue: '	schedule_work(&p->hose->drain);\n',
      more: `
struct hose {
	struct work_struct drain;
};
`,
      remove: EARLY,
    })}`,
    turns('	timer_shutdown_sync(&p->tick);\n	cancel_work_sync(&p->drain);\n'),
    `\n/* Nothing has been started yet. */${turns(
      '	timer_shutdown_sync(&p->tick);\n	cancel_work_sync(&p->drain);\n',
      '	if (pump_prime(p)) {\n		cancel_work_sync(&p->drain);\n		timer_delete_sync(&p->tick);\n		return -EIO;\n	}\n',
    )}`,
    turns('	disable_work_sync(&p->drain);\n	timer_delete_sync(&p->tick);\n'),
    `\n/* One queue for both, and its end waits for both. */${pump({
      members: '	struct work_struct fill;\n	struct workqueue_struct *queue;\n',
      queue: '	queue_work(p->queue, &p->fill);\n',
      more: `
static void pump_fill(struct work_struct *w)
{
	struct pump *p = container_of(w, struct pump, fill);

	queue_work(p->queue, &p->drain);
}

static void pump_make(struct pump *p)
{
	INIT_WORK(&p->fill, pump_fill);
}
`,
      remove: '	free_irq(p->irq, p);\n	flush_work(&p->drain);\n	destroy_workqueue(p->queue);\n',
    })}`,
    network('	unregister_netdev(dev);\n	cancel_work_sync(&p->restart);\n'),
    `\n/* The last user waits once more. */${network('	cancel_work_sync(&p->restart);\n	unregister_netdev(dev);\n', '	cancel_work_sync(&p->restart);\n')}`,
    `\n/* It asks whether the device is in use. */${network(
      '	cancel_work_sync(&p->restart);\n	unregister_netdev(dev);\n',
      '',
      '	if (!netif_running(dev))\n		return;\n',
    )}`,
    `\n/* Without a carrier the watchdog does not call it, and it is not in the midst of that either. */${network(
      '	netif_carrier_off(dev);\n	netif_tx_disable(dev);\n	cancel_work_sync(&p->restart);\n	unregister_netdev(dev);\n',
    )}`,
    `\n/* Nothing but its own start queues it. */${network('	cancel_work_sync(&p->restart);\n	unregister_netdev(dev);\n').replace('ndo_tx_timeout', 'ndo_open')}`,
    `\n/* What queues it holds the device until it has run. */${network('	cancel_work_sync(&p->restart);\n	unregister_netdev(dev);\n', '', '	netdev_hold(dev, NULL, GFP_ATOMIC);\n').replace('	p->level = 0;\n}', '	p->level = 0;\n	netdev_put(p->dev, NULL);\n}')}`,
    `\n/* The queue that it is called for is stopped. */${network('	netif_stop_queue(dev);\n	cancel_work_sync(&p->restart);\n	unregister_netdev(dev);\n').replace('ndo_tx_timeout', 'ndo_start_xmit')}`,
    `\n/* The lock that is held over both keeps the work from arming the timer, and the work does not wait for it. */${turns(
      '	mutex_lock(&pumps);\n	timer_delete_sync(&p->tick);\n	cancel_work_sync(&p->drain);\n	mutex_unlock(&pumps);\n',
    )
      .replace('struct pump {', 'static DEFINE_MUTEX(pumps);\n\nstruct pump {')
      .replace('	if (p->level > 0)\n', '	if (!mutex_trylock(&pumps))\n		return;\n	if (p->level > 0)\n')
      .replace('		mod_timer(&p->tick, jiffies + HZ);\n', '		mod_timer(&p->tick, jiffies + HZ);\n	mutex_unlock(&pumps);\n')}`,
    `\n/* What was asked for is counted, and the count is waited for. */${turns(
      '	cancel_work_sync(&p->drain);\n	timer_delete_sync(&p->tick);\n	while (atomic_read(&p->asked))\n		schedule();\n',
    )
      .replace('	int level;\n', '	int level;\n	atomic_t asked;\n')
      .replace('	schedule_work(&p->drain);\n', '	atomic_inc(&p->asked);\n	schedule_work(&p->drain);\n')
      .replace('	if (p->level > 0)\n		mod_timer(&p->tick, jiffies + HZ);\n', '	atomic_dec(&p->asked);\n')}`,
    `\n/* Two tables of pumps. */${pump({
      more: `
static struct pump *deep[4];
static struct pump *shallow[4];

static void pump_forget(struct pump *p)
{
	free_irq(p->irq, p);
}

static void pump_dry(struct platform_device *pdev)
{
	int i;

	for (i = 0; i < 4; i++)
		cancel_work_sync(&deep[i]->drain);
	for (i = 0; i < 4; i++)
		pump_forget(shallow[i]);
}

static struct platform_driver pumps_driver = { .remove = pump_dry };
`,
      remove: '	free_irq(p->irq, p);\n	cancel_work_sync(&p->drain);\n',
    })}`,
    `\n/* The driver's removal comes before what the device's end runs, and tells the interrupt to come and do nothing. */${pump({
      members: '	bool going;\n',
      queue: '	if (!p->going)\n		schedule_work(&p->drain);\n',
      more: `
static void pump_dry(void *data)
{
	struct pump *p = data;

	cancel_work_sync(&p->drain);
	free_irq(p->irq, p);
}

static int pump_watch(struct device *dev, struct pump *p)
{
	return devm_add_action_or_reset(dev, pump_dry, p);
}
`,
      remove: '	p->going = true;\n',
    }).replace('	kfree(p);\n', '')}`,
    pipe('	usb_kill_urb(p->in);\n	cancel_work_sync(&p->drain);\n'),
    `\n/* It is not given out again. */${pipe('	usb_poison_urb(p->in);\n	cancel_work_sync(&p->drain);\n	usb_kill_urb(p->in);\n')}`,
    chain('	unregister_reboot_notifier(&p->nb);\n	cancel_work_sync(&p->drain);\n'),
  ],
};

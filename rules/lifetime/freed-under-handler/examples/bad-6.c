struct kiln {
	struct work_struct fire;
	struct timer_list tick;
	int heat;
	int irq;
};

static void kiln_tick(struct timer_list *t)
{
	struct kiln *k = from_timer(k, t, tick);

	k->heat++;
	mod_timer(&k->tick, jiffies + HZ);
}

static irqreturn_t kiln_irq(int irq, void *data)
{
	struct kiln *k = data;

	k->heat = 0;
	return IRQ_HANDLED;
}

int kiln_add(struct device *dev)
{
	struct kiln *k = kzalloc(sizeof(*k), GFP_KERNEL);
	int err;

	if (!k)
		return -ENOMEM;
	timer_setup(&k->tick, kiln_tick, 0);
	err = request_irq(k->irq, kiln_irq, 0, "kiln", k); /* want: freed-under-handler "fails after request_irq() and frees k" */
	if (err)
		goto free;
	err = device_create_file(dev, &dev_attr_heat);
	if (err)
		goto free;
	dev_set_drvdata(dev, k);
	return 0;

free:
	kfree(k);
	return err;
}

void kiln_del(struct device *dev)
{
	struct kiln *k = dev_get_drvdata(dev);

	device_remove_file(dev, &dev_attr_heat);
	free_irq(k->irq, k);
	timer_shutdown_sync(&k->tick);
	kfree(k);
}

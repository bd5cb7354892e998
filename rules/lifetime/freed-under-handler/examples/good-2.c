/* The handler looks under the lock under which the pointer goes. */
struct kiln {
	struct work_struct fire;
	spinlock_t lock;
	char *log;
	int irq;
};

static void kiln_fire(struct work_struct *w)
{
	struct kiln *k = container_of(w, struct kiln, fire);

	spin_lock(&k->lock);
	if (k->log)
		k->log[0] = 1;
	spin_unlock(&k->lock);
}

static irqreturn_t kiln_irq(int irq, void *data)
{
	struct kiln *k = data;

	schedule_work(&k->fire);
	return IRQ_HANDLED;
}

static int kiln_probe(struct platform_device *pdev)
{
	struct kiln *k = devm_kzalloc(&pdev->dev, sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	spin_lock_init(&k->lock);
	INIT_WORK(&k->fire, kiln_fire);
	platform_set_drvdata(pdev, k);
	return request_irq(k->irq, kiln_irq, 0, "kiln", k);
}

static void kiln_remove(struct platform_device *pdev)
{
	struct kiln *k = platform_get_drvdata(pdev);

	free_irq(k->irq, k);
	spin_lock(&k->lock);
	kfree(k->log);
	k->log = NULL;
	spin_unlock(&k->lock);
	cancel_work_sync(&k->fire);
}

static struct platform_driver kiln_driver = {
	.probe = kiln_probe,
	.remove = kiln_remove,
};
